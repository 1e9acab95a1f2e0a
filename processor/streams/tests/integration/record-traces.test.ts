import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaStreams, type RecordSpan } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { publishOnce } from '../../../../tests/support/test-producer.ts';
import { readTopic } from '../../../../tests/support/topic-reader.ts';
import { until } from '../../../../tests/support/until.ts';

/* A trace goes with its record: from the producer's span through both tasks into what is read of the output. */

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const [INPUT, OUTPUT] = ['traced-input', 'traced-output'];
let broker: SharedBroker;
let directory: string;
let streams: KafkaStreams | undefined;

beforeAll(async () => {
  broker = await sharedBroker();
  directory = await mkdtemp(join(tmpdir(), 'tributary-traced-'));
  await broker.createTopics({ topic: INPUT, partitions: 1 }, { topic: OUTPUT, partitions: 1 });
});
afterAll(async () => {
  await streams?.close();
  await broker.leave();
  await rm(directory, { recursive: true, force: true });
});

test('each task of a traced record is a span under the one before, told of when it is committed', async () => {
  const spans: RecordSpan[] = [];
  streams = new KafkaStreams({
    topologyModule: new URL('../support/traced-topology.ts', import.meta.url),
    topologyOptions: { input: INPUT, output: OUTPUT },
    connection: broker.connection,
    config: { applicationId: 'traced', stateDir: directory, commitIntervalMs: 50 },
    logger: quietLogger,
    traces: {
      onSpans: (some) => {
        spans.push(...some);
        throw new Error('of the exporter: it ends nothing');
      },
    },
  });
  await streams.start();
  const context = (flags: string) => ({ traceparent: `00-${TRACE}-${PARENT}-${flags}` });
  await publishOnce(broker.connection, {
    topic: INPUT,
    messages: [
      { value: 'without' },
      { value: 'not sampled', headers: context('00') },
      { value: 'traced', headers: context('01') },
    ],
  });
  await until(
    () => spans.length >= 2,
    () => `two spans, and not ${JSON.stringify(spans)}`,
  );
  const first = spans.find(({ topic }) => topic === INPUT);
  const second = spans.find(({ topic }) => topic !== INPUT);
  expect(first).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, taskId: '0_0', offset: 2 });
  expect(second).toMatchObject({
    traceId: TRACE,
    parentSpanId: first?.spanId,
    taskId: '1_0',
    topic: 'traced-by-value-repartition',
  });
  const { partitions } = await readTopic(broker.connection, OUTPUT);
  const headers = new Map(
    partitions.flat().map((record) => [String(record.value), record.headers['traceparent']?.toString()]),
  );
  expect(Object.fromEntries(headers)).toEqual({
    without: undefined,
    'not sampled': context('00').traceparent,
    traced: `00-${TRACE}-${second?.spanId ?? ''}-01`,
  });
  expect(spans).toHaveLength(2);
});
