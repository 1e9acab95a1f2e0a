import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { AppProcess, ECHO_PROCESSOR, killAll } from '../support/app-process.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { reportFigure, seconds, seed, sized, timeLimit } from '../support/chaos.ts';
import { watchOffsets } from '../support/offset-watch.ts';
import { expectWithin, judgesSpeed } from '../support/speed.ts';
import { seededRandom } from '../../tools/producer/seeded-random.ts';
import { testProducer } from '../support/test-producer.ts';

/*
 * kill -9 of a processor whose one store holds very many keys, and a restart on the same disk: next to nothing is
 * replayed, the whole store is checked, and both before the first commit.
 */

const { keys, kills, withinMs } = sized({
  short: { keys: 50_000, kills: 1, withinMs: Infinity },
  full: { keys: 1_000_000, kills: 3, withinMs: 6_000 },
});
const NAME = 'big-store';
const INPUT = 'big-store-input';
const PER_SEND = 5_000;
const PER_BURST = 200;
const BURST_INTERVAL_MS = 20;
const COMMITS_BETWEEN = 5;
/** The markers of a committed and of an aborted transaction, each of which a position passes like a record. */
const MARKERS = 2;
let broker: SharedBroker;
let stateDir: string;
let producer: Producer;

beforeAll(async () => {
  broker = await sharedBroker();
  stateDir = await mkdtemp(join(tmpdir(), 'tributary-big-store-'));
  await broker.createTopics(INPUT);
  producer = await testProducer(broker.connection);
});
afterAll(async () => {
  await producer.disconnect();
  await broker.leave();
  await rm(stateDir, { recursive: true, force: true });
});

/** One record for each of these keys. */
async function publish(keysOf: readonly number[]): Promise<void> {
  await producer.send({
    topic: INPUT,
    messages: keysOf.map((key) => ({ partition: 0, key: `key-${String(key).padStart(7, '0')}`, value: '' })),
  });
}

function start(): Promise<AppProcess> {
  return AppProcess.start({
    main: ECHO_PROCESSOR,
    env: {
      KAFKA_BROKERS: broker.brokers.join(','),
      CLIENT_ID: NAME,
      TOPOLOGY_MODULE: './key-count-topology.ts',
      ECHO_TOPOLOGY: JSON.stringify({ input: INPUT }),
      ECHO_CONFIG: JSON.stringify({ applicationId: NAME, stateDir }),
    },
  });
}

test(
  `kill -9 with ${String(keys)} keys in one store, ${String(kills)} times (seed ${String(seed)})`,
  async () => {
    const random = seededRandom(seed);
    const watch = watchOffsets(broker.connection, NAME);
    const apps = [await start()];
    let flowing = true;
    let flow: Promise<void> | undefined;
    try {
      for (let key = 0; key < keys; key += PER_SEND)
        await publish(Array.from({ length: Math.min(PER_SEND, keys - key) }, (_, index) => key + index));
      await watch.reached(`${INPUT}-0`, keys);
      flow = (async () => {
        for (; flowing; await sleep(BURST_INTERVAL_MS))
          await publish(Array.from({ length: PER_BURST }, () => random.below(keys)));
      })();
      const times: number[] = [];
      const checks: number[] = [];
      const replays: number[] = [];
      let largest = 0;
      for (let kill = 0; kill < kills; kill += 1) {
        watch.largestStep = 0;
        // A few commits of the flow, and then any moment.
        for (let commit = 0; commit < COMMITS_BETWEEN; commit += 1) await watch.moved([`${INPUT}-0`], watch.now());
        await sleep(random.below(1_000));
        await apps.at(-1)?.kill();
        const restartedAt = performance.now();
        const app = await start();
        apps.push(app);
        // What the killed one had committed may be seen to move later still, on a busy machine.
        await app.until(() => app.logged('task is running').length > 0, 'its task runs');
        // A commit has no more changes than it has records of input.
        const largestCommit = watch.largestStep;
        const [movedAt] = await watch.moved([`${INPUT}-0`], watch.now());
        times.push((movedAt as number) - restartedAt);

        const at = (text: string): number => app.lines.findIndex(({ msg }) => msg.includes(text));
        const [checked] = app.logged('it matches its digest');
        expect(checked).toMatchObject({ entries: keys });
        expect(at('it matches its digest')).toBeLessThan(at('task is running'));
        checks.push(Number(checked?.['ms']));
        const replayed = app.logged('restored the store').reduce((sum, { offsets }) => sum + Number(offsets), 0);
        // From the beginning it would be all keys. The commit under way may be larger than any before it where another
        // process has the cores.
        expect(replayed).toBeLessThan(keys);
        if (judgesSpeed) expect(replayed).toBeLessThanOrEqual(largestCommit + MARKERS);
        replays.push(replayed);
        largest = Math.max(largest, largestCommit);
      }
      flowing = false;
      await flow;
      reportFigure({
        fault: `kill -9 with a store of ${String(keys)} keys, restart on the same disk, ${String(kills)} times`,
        asked:
          'at most one commit interval of records replayed; the digest verified before the first commit; that ' +
          'commit within 6 s of the restart',
        measured:
          `replayed ${replays.join(', ')} (largest commit ${String(largest)}); digest verified each time, in at ` +
          `most ${seconds(Math.max(...checks))}; first commit after ${times.map(seconds).join(', ')}`,
      });
      expect(watch.regressions).toEqual([]);
      expectWithin(Math.max(...times), withinMs);
      expect((await apps.at(-1)?.stop())?.code).toBe(0);
    } finally {
      flowing = false;
      await flow?.catch(() => undefined);
      await watch.stop();
      await killAll(apps);
    }
  },
  timeLimit(600_000),
);
