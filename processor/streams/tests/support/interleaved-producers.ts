import type { TransactionIdentity } from '../../kafka/broker.ts';
import { seededRandom } from '../../../../tools/producer/seeded-random.ts';
import type { RawKafka, RawRecord } from './raw-kafka.ts';

/** What several transactional producers did to one partition, told by themselves. */
export interface Interleaving {
  /** Values in the order of their offsets: what a read_committed reader must see. */
  readonly committed: readonly string[];
  /** What it must not see. */
  readonly aborted: readonly string[];
}

export interface InterleavingOptions {
  readonly topic: string;
  readonly seed: number;
  readonly producers: number;
  readonly steps: number;
}

/** The value of the last record, committed and behind every marker. */
export const LAST_VALUE = 'the end';

/** An int32 of 0 as a key: the same four bytes as the key of an abort marker. */
const ZERO_KEY = Buffer.alloc(4);
const MOST_RECORDS_AT_ONCE = 3;

/** A transactional producer by hand: it has at most one open transaction and numbers its batches. */
class RawProducer {
  readonly #raw: RawKafka;
  readonly #identity: TransactionIdentity;
  readonly #topic: string;
  #sequence = 0;
  #open: [number, string][] | undefined;

  constructor(raw: RawKafka, identity: TransactionIdentity, topic: string) {
    this.#raw = raw;
    this.#identity = identity;
    this.#topic = topic;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  async write(records: readonly (RawRecord & { readonly value: string })[]): Promise<void> {
    if (this.#open === undefined) await this.#raw.begin(this.#identity, this.#topic);
    this.#open ??= [];
    const offset = await this.#raw.produce(this.#topic, records, this.#identity, this.#sequence);
    this.#sequence += records.length;
    this.#open.push(...records.map(({ value }, index): [number, string] => [offset + index, value]));
  }

  /** Answers offset and value of what the transaction wrote. */
  async end(outcome: 'commit' | 'abort'): Promise<readonly [number, string][]> {
    const written = this.#open ?? [];
    this.#open = undefined;
    await this.#raw.end(this.#identity, outcome);
    return written;
  }
}

/** Lets producers write, commit and abort in an order that follows from the seed. Every transaction is ended. */
export async function interleave(
  raw: RawKafka,
  { topic, seed, producers: count, steps }: InterleavingOptions,
): Promise<Interleaving> {
  const random = seededRandom(seed);
  const producers: RawProducer[] = [];
  for (let index = 0; index < count; index += 1)
    producers.push(new RawProducer(raw, await raw.init(`${topic}-producer-${String(index)}`), topic));
  const committed: [number, string][] = [];
  const aborted: string[] = [];
  let written = 0;

  const end = async (producer: RawProducer): Promise<void> => {
    const outcome = random.chance(0.5) ? 'abort' : 'commit';
    const records = await producer.end(outcome);
    if (outcome === 'commit') committed.push(...records);
    else aborted.push(...records.map(([, value]) => value));
  };
  const records = (): (RawRecord & { readonly value: string })[] =>
    Array.from({ length: 1 + random.below(MOST_RECORDS_AT_ONCE) }, () => {
      written += 1;
      return { key: random.chance(0.2) ? ZERO_KEY : Buffer.from('k'), value: `record ${String(written)}` };
    });

  for (let step = 0; step < steps; step += 1) {
    if (random.chance(0.1)) {
      const plain = records();
      const offset = await raw.produce(topic, plain);
      committed.push(...plain.map(({ value }, index): [number, string] => [offset + index, value]));
      continue;
    }
    const producer = random.pick(producers);
    if (producer.isOpen && random.chance(0.35)) await end(producer);
    else await producer.write(records());
  }
  for (const producer of producers) if (producer.isOpen) await end(producer);
  committed.push([await raw.produce(topic, [LAST_VALUE]), LAST_VALUE]);
  return { committed: committed.sort(([a], [b]) => a - b).map(([, value]) => value), aborted };
}
