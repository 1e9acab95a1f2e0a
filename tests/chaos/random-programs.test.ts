import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KafkaStreams, type KafkaConnectionConfig } from '@tributary/streams';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { committedOffsets } from '../support/group-progress.ts';
import { comparable, outcomeOf, writtenOf } from '../support/program-model.ts';
import { END_RECORDS, inputs, programs, TOPICS, type InputRecord } from '../support/random-program.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { testProducer } from '../support/test-producer.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';

/*
 * Random programs of joins, windows, groupings and tables by the runtime on a broker: the same results as those of the
 * plain model, which the test driver is held to in tests/contract/random-programs.test.ts. Several programs are one
 * application over the same input.
 */

const { applications, each } = sized({
  short: { applications: 1, each: 8 },
  full: { applications: 25, each: 20 },
});
const PARTITIONS = 2;
const STATUS_MS = 100;
/** Of lags that are 0 and offsets that stand still: longer than what a task says of itself may be old. */
const QUIET_MS = 5 * STATUS_MS;
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker();
});
afterAll(() => broker.leave());

async function publish(
  connection: KafkaConnectionConfig,
  prefix: string,
  records: readonly InputRecord[],
): Promise<void> {
  const producer = await testProducer(connection);
  try {
    await producer.sendBatch({
      topicMessages: TOPICS.map((topic) => ({
        topic: `${prefix}-${topic}`,
        messages: records
          .filter((record) => record.topic === topic)
          .map(({ key, value, timestampMs }) => ({
            key,
            value: value === null ? null : String(value),
            timestamp: String(timestampMs),
            ...(key === null ? { partition: 0 } : {}),
          })),
      })),
    });
  } finally {
    await producer.disconnect();
  }
}

/** All tasks run, have read all there is, and nothing moves. */
async function untilQuiet(streams: KafkaStreams, applicationId: string): Promise<void> {
  let last = '';
  let sinceMs = 0;
  await until(async () => {
    if (streams.failure !== undefined) throw streams.failure;
    const { tasks } = streams.status();
    const active = tasks.filter(({ role }) => role === 'ACTIVE');
    const isDone = active.length > 0 && active.every(({ state, lag }) => state === 'RUNNING' && lag === 0);
    const now = isDone ? JSON.stringify([...(await committedOffsets(broker.connection, applicationId))]) : '';
    if (now === '' || now !== last) [last, sinceMs] = [now, performance.now()];
    return now !== '' && performance.now() - sinceMs > QUIET_MS;
  }, 'all records have gone through all tasks');
}

test(
  `${String(applications * each)} random programs on a broker give what the model gives (seed ${String(seed)})`,
  async () => {
    for (let application = 0; application < applications; application += 1) {
      const applicationId = `programs-${String(seed)}-${String(application)}`;
      const sampled = { seed: seed + application, numRuns: each };
      const plans = fc.sample(programs, sampled);
      const [records = []] = fc.sample(inputs, { ...sampled, numRuns: 1 });
      const stateDir = await mkdtemp(join(tmpdir(), 'tributary-programs-'));
      await broker.createTopics(
        ...[...TOPICS, ...plans.map((_, index) => `out-${String(index)}`)].map((name) => ({
          topic: `${applicationId}-${name}`,
          partitions: PARTITIONS,
        })),
      );
      await publish(broker.connection, applicationId, records);
      const streams = new KafkaStreams({
        topologyModule: new URL('../support/program-topology.ts', import.meta.url),
        topologyOptions: { plans, prefix: applicationId },
        connection: broker.connection,
        config: { applicationId, stateDir, statusIntervalMs: STATUS_MS },
        logger: quietLogger,
      });
      try {
        await streams.start();
        await untilQuiet(streams, applicationId);
        await publish(broker.connection, applicationId, END_RECORDS);
        await untilQuiet(streams, applicationId);
      } finally {
        await streams.close();
        await rm(stateDir, { recursive: true, force: true });
      }
      for (const [index, plan] of plans.entries()) {
        const { partitions } = await readTopic(broker.connection, `${applicationId}-out-${String(index)}`);
        expect({
          seed,
          application,
          plan,
          outcome: comparable(writtenOf(plan, partitions.flat())),
        }).toEqual({ seed, application, plan, outcome: comparable(outcomeOf(plan, [...records, ...END_RECORDS])) });
      }
    }
    reportFigure({
      fault: `${String(applications * each)} random programs of joins, windows, groupings and tables`,
      asked: '0 differences between runtime, driver and model',
      measured: '0 differences',
    });
  },
  timeLimit(3_600_000),
);
