import { expect, test } from '@jest/globals';
import { eventTimeOf } from '../tests/support/event-time.ts';
import { RecordCollector } from '../writing/record-collector.ts';
import { TaskGraph } from '../task/task-graph.ts';
import { DeadLetter, type ConsumerRecord } from './record.ts';
import { StreamsBuilder } from './streams-builder.ts';

/** A task whose decoder must not be asked. */
function graphOf(deadLetterTopic: string | undefined): {
  graph: TaskGraph;
  collector: RecordCollector;
  heard: string[];
} {
  const builder = new StreamsBuilder();
  const heard: string[] = [];
  const decode = (): string => {
    throw new Error('the decoder was asked');
  };
  const source = builder.stream('in', deadLetterTopic === undefined ? { decode } : { decode, deadLetterTopic });
  source.deadLetters().peek(({ reason }) => heard.push(reason));
  const collector = new RecordCollector();
  const [subTopology] = builder.build().subTopologies;
  if (subTopology === undefined) throw new Error('unreachable');
  return {
    collector,
    heard,
    graph: new TaskGraph({
      taskId: '0_0',
      subTopology,
      applicationId: 'app',
      store: undefined,
      collector,
      partitionsOf: () => 1,
      time: eventTimeOf({ taskId: '0_0', subTopology }),
      nowMs: Date.now,
      requestCommit: () => undefined,
    }),
  };
}

const record: ConsumerRecord = {
  topic: 'in',
  partition: 0,
  offset: 7,
  timestampMs: 5,
  key: null,
  value: Buffer.from('begin'),
  headers: {},
  unreadable: new DeadLetter('RECORD_TOO_LARGE_TO_READ', 'the record has 90 bytes unpacked, and maxRecordBytes is 80'),
  cut: { key: null, value: { bytes: 88, sha256: 'ab' }, headersLeftOut: 2 },
};

test('a record that the runtime does not read is dead-lettered without its decoder, in whatever way it is read', () => {
  const { graph, collector, heard } = graphOf('dlq');
  graph.process(record);
  graph.read(record).handOn();
  expect(heard).toEqual(['RECORD_TOO_LARGE_TO_READ', 'RECORD_TOO_LARGE_TO_READ']);
  for (const letter of collector.take()) {
    expect(Object.fromEntries((letter.headers ?? []).map(([name, value]) => [name, String(value)]))).toMatchObject({
      '__streams.errors.exception': 'RECORD_TOO_LARGE_TO_READ',
      '__streams.errors.offset': '7',
      '__tributary.cut.value.bytes': '88',
      '__tributary.cut.value.sha256': 'ab',
      '__tributary.cut.headers': '2',
    });
  }
});

test('without a dead-letter topic it ends the application, naming the place and the setting', () => {
  const { graph } = graphOf(undefined);
  expect(() => graph.process(record)).toThrow(
    expect.objectContaining({
      code: 'RECORDS_UNREADABLE',
      message: expect.stringMatching(
        /^in-0 offset 7: .*maxRecordBytes is 80\. Give the stream a dead-letter topic, or raise the setting/,
      ),
    }),
  );
});
