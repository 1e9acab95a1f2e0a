import { expect, test } from '@jest/globals';
import { eventTimeOf, linksTo } from '../../tests/support/event-time.ts';
import { encodeBatch } from '../../kafka/batch-encoder.ts';
import { CompressionCodec } from '../../kafka/compression.ts';
import { decodeRecordSet } from '../../kafka/record-set.ts';
import { DroppedRecords } from '../../task/dropped-records.ts';
import { RecordCollector } from '../../writing/record-collector.ts';
import type { OutgoingRecord } from '../../writing/streams-producer.ts';
import { headersByName, type ConsumerRecord, type HeaderList } from '../record.ts';
import {
  jsonSerde,
  StreamsBuilder,
  StreamsError,
  tumbling,
  type Aggregate,
  type Serde,
  type Topology,
} from '../../index.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { STREAM_TIME_KEY } from '../../store/runtime-rows.ts';
import { TaskGraph } from '../../task/task-graph.ts';
import { encodePartial, encodeTimeReport, partialHeaders } from '../repartition-record.ts';
import { signatureMismatch, topologySignature } from '../signature.ts';
import type { SubTopology } from '../topology.ts';

const sum: Aggregate<string, number> = {
  empty: () => 0,
  add: (acc, value) => acc + value.length,
  merge: (a, b) => a + b,
  serde: jsonSerde<number>(),
};
const MINUTE_MS = 60_000;
type Declaration = 'all' | 'minutes' | 'hours' | 'counted';

/** One grouping: three tables of one aggregate share their partials, the fourth has its own. Declared in any order. */
function build(order: readonly Declaration[]): Topology {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' });
  for (const table of order) {
    if (table === 'all') grouped.aggregate(sum, { store: 'all' });
    if (table === 'minutes')
      grouped.windowedBy(tumbling({ sizeMs: MINUTE_MS, retentionMs: MINUTE_MS })).aggregate(sum, { store: 'minutes' });
    if (table === 'hours')
      grouped
        .windowedBy(tumbling({ sizeMs: 60 * MINUTE_MS, retentionMs: MINUTE_MS }))
        .aggregate(sum, { store: 'hours' });
    if (table === 'counted') grouped.count({ store: 'counted' });
  }
  return builder.build();
}

function taskOf(
  topology: Topology,
  subTopology: 0 | 1,
  store = openMemoryStore(),
  dropped = new DroppedRecords(),
): { graph: TaskGraph; collector: RecordCollector } {
  const collector = new RecordCollector();
  const taskId = `${String(subTopology)}_0`;
  const sub = topology.subTopologies[subTopology] as SubTopology;
  const links = subTopology === 0 ? linksTo() : linksTo({ grouping: 'by-word', taskId: '0_0', cyclic: false });
  const graph = new TaskGraph({
    taskId,
    subTopology: sub,
    applicationId: 'app',
    store,
    collector,
    partitionsOf: () => 1,
    time: eventTimeOf({ taskId, subTopology: sub, links }),
    nowMs: () => 0,
    requestCommit: () => undefined,
    dropped,
  });
  return { graph, collector };
}

const TOPIC = 'app-by-word-repartition';
const record = (value: Buffer | null, key: Buffer | null = Buffer.from('aa')) => ({
  topic: TOPIC,
  partition: 0,
  offset: 7,
  timestampMs: 0,
  key,
  value,
  headers: {},
});
/** The same as it lies in the bytes that a broker answers. */
function fetched({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>): ConsumerRecord {
  const batch = encodeBatch({
    records: [{ key, value, headers }],
    timestampMs: 0,
    producerId: -1n,
    producerEpoch: -1,
    firstSequence: -1,
    isTransactional: false,
    codec: CompressionCodec.none,
  });
  batch.writeBigInt64BE(7n, 0);
  const options = { topic: TOPIC, partition: 0, fromOffset: 7, abortedTransactions: [], readCommitted: true };
  return decodeRecordSet(batch, options).records[0] as ConsumerRecord;
}
const partial = (store: string, text = '2'): Buffer =>
  encodePartial({ store, grainStartMs: 0, newestMs: 0, aggregate: Buffer.from(text) });

/** The same of a record of any kind, and of one that lies in a fetch. */
function said(topology: Topology, value: Buffer | null, key?: Buffer | null): { code: string; message: string } {
  const [any, ofFetch] = [record(value, key), fetched({ key: key === undefined ? Buffer.from('aa') : key, value })].map(
    (one) => {
      try {
        taskOf(topology, 1).graph.process(one);
      } catch (error) {
        if (error instanceof StreamsError) return { code: error.code, message: error.message };
        throw error;
      }
      throw new Error('it was taken');
    },
  );
  expect(ofFetch).toEqual(any);
  return any as { code: string; message: string };
}

const ORDERS: readonly (readonly Declaration[])[] = [
  ['all', 'minutes', 'hours', 'counted'],
  ['minutes', 'all', 'counted', 'hours'],
  ['counted', 'hours', 'minutes', 'all'],
  ['hours', 'counted', 'all', 'minutes'],
];

test.each(ORDERS.flatMap((before) => ORDERS.map((now) => [before.join(), now.join(), before, now] as const)))(
  'what was sent by %s arrives at %s: the same application',
  (_before, _now, before, now) => {
    const [sender, receiver] = [build(before), build(now)];
    expect(signatureMismatch(topologySignature(sender), topologySignature(receiver))).toBeNull();
    const source = taskOf(sender, 0);
    for (let offset = 0; offset < 10; offset += 1)
      source.graph.process({
        topic: 'words',
        partition: 0,
        offset,
        timestampMs: offset,
        key: null,
        value: Buffer.from('aa'),
        headers: {},
      });
    source.graph.flush();
    const sent = source.collector.take();
    for (const read of [({ value, key }: OutgoingRecord) => record(value, key), fetched]) {
      const { graph } = taskOf(receiver, 1);
      for (const one of sent) graph.process(read(one));
      expect({
        all: graph.keyValueStore('all').get('aa'),
        counted: graph.keyValueStore('counted').get('aa'),
        minutes: graph.windowStore('minutes').get('aa', 0),
        hours: graph.windowStore('hours').get('aa', 0),
      }).toEqual({ all: 20, counted: 10, minutes: 20, hours: 20 });
    }
  },
);

/** Its serde answers the bytes that it is given. */
const texts: Aggregate<string, Buffer> = {
  empty: () => Buffer.alloc(0),
  add: (acc, value) => Buffer.concat([acc, Buffer.from(value)]),
  merge: (a, b) => (a.length === 0 ? b : Buffer.concat([a, b])),
  serde: { serialize: (bytes) => bytes, deserialize: (bytes) => bytes },
};

test('partials that lie in a fetch go into stores as others do: all of their records count', async () => {
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' });
  grouped.windowedBy(tumbling({ sizeMs: MINUTE_MS, retentionMs: MINUTE_MS })).aggregate(texts, { store: 'minutes' });
  grouped.aggregate(texts, { store: 'all' });
  grouped.count({ store: 'minutes-2' });
  const topology = builder.build();
  const source = taskOf(topology, 0);
  const partials: OutgoingRecord[] = [];
  for (const words of [
    ['late', 'late', 'dd', 'é', 'a', 'bb'],
    ['bb', 'bb', 'a', 'é', 'c'],
  ]) {
    for (const word of words)
      source.graph.process({
        ...record(Buffer.from(word)),
        topic: 'words',
        timestampMs: word === 'late' ? 0 : 90 * MINUTE_MS,
      });
    await source.graph.flush();
    partials.push(...source.collector.take());
  }
  expect(partials.map(({ headers }) => headers?.length ?? 0)).toContain(1);
  const any = (one: OutgoingRecord): ConsumerRecord => {
    const { topic, partition, offset, timestampMs, key, value, headers } = fetched(one);
    return { topic, partition, offset, timestampMs, key, value, headers };
  };
  for (const read of [any, fetched]) {
    const dropped = new DroppedRecords();
    const { graph } = taskOf(topology, 1, openMemoryStore(), dropped);
    graph.process(record(encodeTimeReport({ source: '0_0', watermarkMs: 90 * MINUTE_MS, caughtUp: false }), null));
    for (const one of partials) graph.process(read(one));
    expect(
      ['dd', 'é', 'a', 'bb', 'c', 'late'].map((key) => [
        graph.keyValueStore('all').get(key)?.toString(),
        graph
          .windowStore('minutes')
          .get(key, 90 * MINUTE_MS)
          ?.toString(),
        graph.keyValueStore('minutes-2').get(key),
      ]),
    ).toEqual([
      ['dd', 'dd', 1],
      ['éé', 'éé', 2],
      ['aa', 'aa', 2],
      ['bbbbbb', 'bbbbbb', 3],
      ['c', 'c', 1],
      ['latelate', undefined, 2],
    ]);
    dropped.committed();
    expect(dropped.counts()).toEqual({ late: 2 });
  }
});

test('a partial of records without a value goes into windows only, also out of a fetch', () => {
  const headers = partialHeaders(2, true) as HeaderList;
  const sent = fetched({ key: Buffer.from('aa'), value: partial('all'), headers });
  for (const one of [{ ...record(partial('all')), headers: headersByName(headers) }, sent]) {
    const { graph } = taskOf(build(['all', 'minutes']), 1);
    graph.process(one);
    expect(graph.windowStore('minutes').get('aa', 0)).toBe(2);
    expect(graph.keyValueStore('all').get('aa')).toBeUndefined();
  }
});

test('stream time stays when stores are declared in another order', async () => {
  const store = openMemoryStore();
  const open = (order: readonly Declaration[]): TaskGraph => taskOf(build(order), 1, store).graph;
  const before = open(['minutes', 'hours']);
  before.process(record(encodeTimeReport({ source: '0_0', watermarkMs: 90 * MINUTE_MS, caughtUp: false }), null));
  await store.commit({ changes: await before.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  for (const order of [
    ['minutes', 'hours'],
    ['hours', 'minutes'],
    ['all', 'hours', 'minutes'],
  ] as const)
    expect(open(order).streamTimeMs()).toBe(90 * MINUTE_MS);
  // Where an older release kept it, under the store that it declared first.
  const older = openMemoryStore();
  const row = { streamTimeMs: 7, sources: { '0_0': { streamTimeMs: 7, caughtUp: false } } };
  await older.commit({
    changes: [{ store: 'minutes', key: STREAM_TIME_KEY, value: Buffer.from(JSON.stringify(row)) }],
    changelogOffsets: new Map(),
    inputOffsets: new Map(),
  });
  expect(taskOf(build(['minutes', 'hours']), 1, older).graph.streamTimeMs()).toBe(7);
});

test('a partial for a store that is not there is fatal: where it lies is said, and what to do', () => {
  const { code, message } = said(build(['all', 'counted']), partial('gone'));
  expect(code).toBe('TOPOLOGY_CHANGED');
  expect(message).toMatch(/app-by-word-repartition-0 offset 7 .*"gone".*reset/);
});

test('so is a time report of a task that does not write there', () => {
  const { code, message } = said(
    build(['all', 'minutes']),
    encodeTimeReport({ source: '0_9', watermarkMs: 5, caughtUp: true }),
    null,
  );
  expect(code).toBe('TOPOLOGY_CHANGED');
  expect(message).toMatch(/app-by-word-repartition-0 offset 7 .*"0_9".*reset/);
});

test.each<[string, Buffer | null, Buffer | null]>([
  ['no value', null, Buffer.from('a')],
  ['an empty value', Buffer.alloc(0), Buffer.from('a')],
  ['an unknown kind', Buffer.from([9, 1, 2]), Buffer.from('a')],
  ['a partial of an unknown kind', Buffer.concat([Buffer.from([9]), partial('all').subarray(1)]), Buffer.from('a')],
  ['an aggregate that is no JSON', partial('counted', 'no'), Buffer.from('a')],
  ['an aggregate that is null', partial('counted', 'null'), Buffer.from('a')],
  ['an aggregate that is no count', partial('counted', '-3'), Buffer.from('a')],
  [
    'a time that no date has',
    encodePartial({ store: 'all', grainStartMs: 0, newestMs: 1e300, aggregate: Buffer.from('1') }),
    Buffer.from('a'),
  ],
  [
    'a report of a time that no date has',
    encodeTimeReport({ source: '0_0', watermarkMs: 1e300, caughtUp: true }),
    null,
  ],
  ['text', Buffer.from('{"hello":1}'), Buffer.from('a')],
  ['a partial without a key', partial('all'), null],
  ['a partial that is cut', partial('all').subarray(0, 12), Buffer.from('a')],
  ['a partial that is cut in its last time', partial('counted').subarray(0, 20), Buffer.from('a')],
  ['a key that is no text', partial('counted'), Buffer.from([0xff])],
  ['one byte', Buffer.from([1]), Buffer.from('a')],
  [
    'a partial of no time',
    encodePartial({ store: 'all', grainStartMs: NaN, newestMs: 0, aggregate: Buffer.from('1') }),
    Buffer.from('a'),
  ],
  [
    'a partial of an endless time',
    encodePartial({ store: 'all', grainStartMs: 0, newestMs: Infinity, aggregate: Buffer.from('1') }),
    Buffer.from('a'),
  ],
  ['a report that is no JSON', Buffer.from('\u0002{'), null],
  ['a report of null', Buffer.from('\u0002null'), null],
  ['a report of no time', Buffer.from('\u0002{"source":"0_0","streamTimeMs":null,"caughtUp":true}'), null],
  ['a report of text', Buffer.from('\u0002{"source":"0_0","streamTimeMs":"5","caughtUp":true}'), null],
])('%s in a repartition topic is fatal, and named by topic, partition and offset', (_name, value, key) => {
  const { code, message } = said(build(['all', 'minutes', 'counted']), value, key);
  expect(code).toBe('INTERNAL_TOPIC_INVALID');
  expect(message).toMatch(/^app-by-word-repartition-0 offset 7 holds .*reset/);
});

test('tables that share partials each have them as they came, also where reading changes the bytes', async () => {
  const turned: Serde<string> = {
    serialize: (text) => Buffer.from(text).reverse(),
    deserialize: (bytes) => bytes.reverse().toString(),
  };
  const last: Aggregate<string, string> = {
    empty: () => '',
    add: (_, text) => text,
    merge: (_, b) => b,
    serde: turned,
  };
  const builder = new StreamsBuilder();
  const grouped = builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' });
  grouped.aggregate(last, { store: 'all' });
  grouped.windowedBy(tumbling({ sizeMs: MINUTE_MS, retentionMs: MINUTE_MS })).aggregate(last, { store: 'minutes' });
  const value = partial('all', 'cba');
  for (const one of [record(value), fetched({ key: Buffer.from('aa'), value, headers: undefined })]) {
    const { graph } = taskOf(builder.build(), 1);
    graph.process(one);
    expect([graph.keyValueStore('all').get('aa'), graph.windowStore('minutes').get('aa', 0)]).toEqual(['abc', 'abc']);
  }
});

test('the key of a partial is what its own serde reads, also out of a fetch', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { decode: ({ value }) => String(value) })
    .groupBy((word) => word.length, { name: 'by-word', key: jsonSerde<number>() })
    .count({ store: 'counted' });
  const sent = { key: Buffer.from('3'), value: partial('counted') };
  for (const one of [record(sent.value, sent.key), fetched({ ...sent, headers: undefined })]) {
    const { graph } = taskOf(builder.build(), 1);
    graph.process(one);
    expect(graph.keyValueStore('counted').get(3)).toBe(2);
  }
});
