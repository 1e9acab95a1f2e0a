import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { createKafka } from '@tributary/streams/operations';
import { seededRandom } from '../../tools/producer/seeded-random.ts';
import { quiet } from '../quiet.ts';

/** What `bench/benches/owner-reads.ts` asks for, as JSON in the only argument. */
export interface EventWriterOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly perSecond: number;
  readonly seed: number;
  /** Keys are drawn evenly from these, or are `u` and so many digits of a number below `below`. */
  readonly among: { readonly these: readonly string[] } | { readonly below: number; readonly digits: number };
}

const SEND_EVERY_MS = 20;

/*
 * Writes events at a fixed rate, in a process of its own: what measures answers must not wait for a producer's work.
 * Says `{ writing: true }` before the first send; ends at SIGTERM, with `{ written }`, the count of those acknowledged.
 */
const { brokers, topic, perSecond, seed, among } = JSON.parse(process.argv[2] as string) as EventWriterOptions;
const random = seededRandom(seed);
const nextKey = (): string =>
  'these' in among
    ? (among.these[random.below(among.these.length)] ?? '')
    : `u${String(random.below(among.below)).padStart(among.digits, '0')}`;
const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const producer = createKafka({ brokers: [brokers], clientId: 'bench-changes' }, quiet).producer({
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: true,
  maxInFlightRequests: 1,
});
await producer.connect();
tell({ writing: true });
const startedAt = performance.now();
let written = 0;
while (!stop.signal.aborted) {
  const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
  const messages = Array.from({ length: due - written }, () => {
    const key = nextKey();
    return { key, value: JSON.stringify({ user: key, page: '/', cents: 5, at: 0 }) };
  });
  if (messages.length > 0) await producer.send({ topic, messages });
  written = due;
  await delay(SEND_EVERY_MS);
}
await producer.disconnect();
tell({ written });
