import { setTimeout as sleep } from 'node:timers/promises';
import { createKafka } from '@tributary/streams/operations';
import { VIEWS_TOPIC } from './names.ts';
import { connection, logger, onStop } from './settings.ts';
import type { View } from './topology.ts';

/* Views by chance, some a second, so that there is something to see. Your own producer takes its place. */

const EVERY_MS = 200;
const PAGES = ['/', '/prices', '/docs', '/blog', '/about'];
const USERS = 50;

const producer = createKafka(connection, logger).producer({
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

await producer.connect();
while (!stopped) {
  const user = `user-${String(Math.floor(Math.random() * USERS))}`;
  // The first pages are the ones that are viewed most.
  const page = PAGES[Math.floor(Math.random() ** 2 * PAGES.length)] ?? '/';
  const view: View = { page, user };
  try {
    await producer.send({ topic: VIEWS_TOPIC, messages: [{ key: user, value: JSON.stringify(view) }] });
  } catch (error) {
    if (!stopped) console.error(`waiting for the topic ${VIEWS_TOPIC}, which the processor makes:`, String(error));
    await sleep(1_000);
  }
  await sleep(EVERY_MS);
}
