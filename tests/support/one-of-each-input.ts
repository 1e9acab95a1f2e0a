import { partitionOf } from '@tributary/streams/operations';
import { seededRandom, type SeededRandom } from '../../tools/producer/seeded-random.ts';
import {
  GRACE_MS,
  ROUND_MS,
  STREAMS_FROM_MS,
  type Action,
  type OneOfEachTopics,
  type Order,
  type User,
  type Visit,
} from './one-of-each-topology.ts';

export interface InputOptions {
  readonly seed: number;
  readonly topics: OneOfEachTopics;
  /** Of all topics but the products'. */
  readonly partitions: number;
  /** How many different users there are, and orders; 60 by default. */
  readonly keys?: number;
  /** Of actions, and as many visits, in each round; 300 by default. */
  readonly perRound?: number;
}

/** A record of the input. */
export interface Sent {
  readonly partition: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Records of one topic, sent at once. */
export interface Sending {
  readonly topic: string;
  readonly records: readonly Sent[];
}

const KEYS = 60;
const PER_ROUND = 300;
const BURSTS = 6;
const START_MS = 1_700_000_040_000;
/** The products' topic has another partition count than all others: a join by a foreign key does not mind. */
export const PRODUCT_PARTITIONS = 2;
const COUNTRIES = ['AT', 'BE', 'CH', 'DE', 'ES'] as const;
const CITIES = ['Ulm', 'Bonn', 'Jena', 'Kiel', 'Trier', 'Worms'] as const;

/**
 * The input of the application that has one of each. It comes in rounds, each with a minute of event time of its own,
 * and each read to its end before the next one begins:
 *
 *   tables  | changes of all tables, in any order
 *   streams | once these are read: actions and visits, in any order of times within the round
 *
 * So a stream meets the rows of its round, whatever the commits are, and what is late by less than two rounds is not
 * late. After the last round a record far ahead in each partition of the streams closes all windows.
 */
export class OneOfEachInput {
  readonly #options: InputOptions;
  readonly #random: SeededRandom;
  readonly #keys: number;
  #rounds = 0;
  #ids = 0;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#keys = options.keys ?? KEYS;
  }

  get rounds(): number {
    return this.#rounds;
  }

  /** Of the global table: it is read to its end before anything is processed, and what came later had no moment. */
  countries(): Sending {
    const { topic, row } = this.#table(this.#options.topics.countries);
    return { topic, records: COUNTRIES.slice(1).map((country) => row(country, `in ${country}`, START_MS)) };
  }

  /** The first half of a round. */
  tables(): Sending[] {
    const random = this.#random;
    const { users, profiles, orders, products } = this.#options.topics;
    const changes = (name: string, key: string, count: number, value: () => string): Sending => {
      const { topic, row } = this.#table(name);
      const records = Array.from({ length: count }, () =>
        row(
          `${key}${String(random.below(this.#keys))}`,
          random.chance(0.15) ? null : value(),
          this.#fromMs + random.below(STREAMS_FROM_MS),
        ),
      );
      return { topic, records };
    };
    const count = Math.ceil(this.#keys / 2);
    const user = (): User => ({ city: random.pick(CITIES), level: random.below(100) });
    const order = (): Order => ({ product: `p${String(random.below(this.#keys))}`, amount: random.below(100) });
    return [
      changes(users, 'u', count, () => JSON.stringify(user())),
      changes(profiles, 'u', count, () => `profile ${String(random.below(1_000))}`),
      changes(orders, 'o', count, () => JSON.stringify(order())),
      changes(products, 'p', Math.ceil(count / 2), () => String(random.below(1_000))),
    ];
  }

  /** The second half of a round, in bursts. With it the round ends. */
  *streams(): Generator<Sending> {
    const { actions, visits } = this.#options.topics;
    const count = Math.ceil((this.#options.perRound ?? PER_ROUND) / BURSTS);
    const fromMs = this.#fromMs + STREAMS_FROM_MS;
    const times = <R>(make: (key: string, timeMs: number) => R): R[] =>
      Array.from({ length: count }, () =>
        make(`u${String(this.#random.below(this.#keys))}`, fromMs + this.#random.below(ROUND_MS - STREAMS_FROM_MS)),
      );
    for (let burst = 0; burst < BURSTS; burst += 1) {
      yield { topic: actions, records: times((key, timeMs) => this.#action(key, timeMs)) };
      yield { topic: visits, records: times((key, timeMs) => this.#visit(key, timeMs)) };
    }
    this.#rounds += 1;
  }

  /** Moves the time of each partition of the streams past all that waits for it. */
  last(): Sending[] {
    const { actions, visits } = this.#options.topics;
    const timeMs = this.#fromMs + 10 * GRACE_MS;
    const partitions = Array.from({ length: this.#options.partitions }, (_, partition) => partition);
    return [
      {
        topic: actions,
        records: partitions.map((partition) => this.#action(this.#keyOf('last-action', partition), timeMs)),
      },
      {
        topic: visits,
        records: partitions.map((partition) => this.#visit(this.#keyOf('last-visit', partition), timeMs)),
      },
    ];
  }

  get #fromMs(): number {
    return START_MS + this.#rounds * ROUND_MS;
  }

  #table(topic: string): { topic: string; row: (key: string, value: string | null, timestampMs: number) => Sent } {
    const { topics, partitions } = this.#options;
    const count = topic === topics.products ? PRODUCT_PARTITIONS : partitions;
    return { topic, row: (key, value, timestampMs) => sent(count, key, value, timestampMs) };
  }

  #action(key: string, timestampMs: number): Sent {
    const random = this.#random;
    const { partitions } = this.#options;
    this.#ids += 1;
    const action: Action = {
      id: `a${String(this.#ids)}`,
      number: random.below(100_000),
      group: `g${String(partitionOf(Buffer.from(key), partitions))}-${String(random.below(7))}`,
      country: random.pick(COUNTRIES),
      account: `account-${String(random.below(this.#keys))}`,
    };
    return sent(partitions, key, JSON.stringify(action), timestampMs);
  }

  #visit(key: string, timestampMs: number): Sent {
    this.#ids += 1;
    const visit: Visit = { id: `v${String(this.#ids)}`, number: this.#random.below(1_000) };
    return sent(this.#options.partitions, key, JSON.stringify(visit), timestampMs);
  }

  #keyOf(name: string, partition: number): string {
    for (let n = 0; ; n += 1) {
      const key = `${name}-${String(n)}`;
      if (partitionOf(Buffer.from(key), this.#options.partitions) === partition) return key;
    }
  }
}

function sent(partitions: number, key: string, value: string | null, timestampMs: number): Sent {
  const partition = partitionOf(Buffer.from(key), partitions);
  return { partition, key, value, timestampMs, headers: { of: `${key} ${String(timestampMs)}` } };
}
