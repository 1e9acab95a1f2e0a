import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createKafka } from '@tributary/streams/operations';
import { z } from 'zod';
import type { ShopEvent } from './events.ts';
import { HOUR_MS } from './names.ts';
import { connection, logger, onStop } from './settings.ts';
import { simulate } from './simulation.ts';

/*
 * Writes the life of a shop into its topics: at first some hours of the past, as fast as they are taken, then at the
 * pace of the clock. Every record is written once: the producer is idempotent, and repeats what was not acknowledged.
 */

const MOST_AT_ONCE = 1_000;
const LOOK_EVERY_MS = 100;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    orders: { type: 'string', default: '3600' },
    past: { type: 'string', default: '24' },
  },
});
const flags = z
  .object({
    seed: z.coerce.number().int(),
    orders: z.coerce.number().positive().describe('Orders an hour, about.'),
    past: z.coerce.number().min(0).describe('Hours of the past, where nothing has been ordered yet.'),
  })
  .parse(values);

const kafka = createKafka(connection, logger);
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  allowAutoTopicCreation: false,
  retry: { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 1_000 },
});
let stopped = false;
onStop(async () => {
  stopped = true;
  await producer.disconnect();
});

await untilItWorks(() => producer.connect());
const startMs = Date.now() - ((await isFirst()) ? flags.past * HOUR_MS : 0);
const life = simulate({ seed: flags.seed, startMs, orderEveryMs: HOUR_MS / flags.orders });
let batch: ShopEvent[] = [];
for (const { event, toldAtMs } of life) {
  if (toldAtMs > Date.now() || batch.length === MOST_AT_ONCE) {
    await send(batch);
    batch = [];
  }
  while (!stopped && toldAtMs > Date.now()) await sleep(LOOK_EVERY_MS);
  if (stopped) break;
  batch.push(event);
}

/** Whether nothing has been ordered yet. */
async function isFirst(): Promise<boolean> {
  const admin = kafka.admin();
  await untilItWorks(() => admin.connect());
  const ends = await untilItWorks(() => admin.fetchTopicOffsets('orders'));
  await admin.disconnect();
  return ends.every(({ high }) => high === '0');
}

/** Waits for Kafka, and for the topics, which the processor makes. */
async function untilItWorks<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      logger.debug({ error }, 'waiting for Kafka, or for a processor to make the topics');
      await sleep(LOOK_EVERY_MS);
    }
  }
}

async function send(events: readonly ShopEvent[]): Promise<void> {
  if (events.length === 0) return;
  const messages = Map.groupBy(events, ({ topic }) => topic);
  await producer.sendBatch({
    topicMessages: [...messages].map(([topic, of]) => ({
      topic,
      messages: of.map(({ key, value, timestampMs }) => ({
        key,
        value: value === null ? null : JSON.stringify(value),
        timestamp: String(timestampMs),
      })),
    })),
  });
}
