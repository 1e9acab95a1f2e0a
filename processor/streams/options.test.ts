import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import {
  createGlobalTable,
  hopping,
  jsonSerde,
  KafkaStreams,
  parseStreamsConfig,
  StreamsBuilder,
  StreamsError,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type KafkaStreamsOptions,
  type KStream,
  type ProcessorContext,
  type Topology,
} from './index.ts';
import { nearestName } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'options-'));
afterAll(() => rmSync(folder, { recursive: true }));

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const connection = { brokers: ['127.0.0.1:1'], clientId: 'options' };
const config = { applicationId: 'options', stateDir: folder };
const module = (text: string): URL => {
  const path = join(folder, `${String(text.length)}.mjs`);
  writeFileSync(path, text);
  return pathToFileURL(path);
};
const streams = (change: object): KafkaStreams =>
  new KafkaStreams({
    topologyModule: module('export const none = 1;'),
    connection,
    config,
    logger,
    ...change,
  } as KafkaStreamsOptions);
const table = (change: object, ...rest: unknown[]): unknown =>
  Reflect.apply(createGlobalTable, undefined, [
    connection,
    {
      topics: ['a'],
      onChanges: () => undefined,
      onReset: () => undefined,
      onState: () => undefined,
      onFatal: () => undefined,
      ...change,
    },
    ...(rest.length === 0 ? [logger] : rest),
  ]);
const words = (options: object = {}): KStream<string | null, string> =>
  new StreamsBuilder().stream('words', { decode: String, ...options });
const windowed = { sizeMs: 10, advanceMs: 5, retentionMs: 10 };
const topology = (): Topology => {
  const builder = new StreamsBuilder();
  const source = builder.stream('words', { decode: ({ value }) => String(value), deadLetterTopic: 'dlq' });
  source.groupByKey({ name: 'by-key' }).count({ store: 'counts' });
  source.to('out', { value: stringSerde });
  return builder.build();
};
const driver = (options: object = {}): TopologyTestDriver => new TopologyTestDriver(topology(), options);

/** What the caller is told. */
async function said(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof StreamsError ? `${error.code}: ${error.message}` : `no StreamsError: ${String(error)}`;
  }
  return 'taken';
}

test.each<[string, () => unknown, RegExp]>([
  [
    'config.numStreamThread',
    () => streams({ config: { ...config, numStreamThread: 2 } }),
    /"numStreamThread".*did you mean "numStreamThreads"/,
  ],
  [
    'config.commitInterval',
    () => parseStreamsConfig({ ...config, commitInterval: 2 } as never),
    /"commitInterval".*"commitIntervalMs"/,
  ],
  ['no config', () => streams({ config: undefined }), /config/],
  [
    'a topologyModule that is a path',
    () => streams({ topologyModule: './x.ts' }),
    /topologyModule.*"\.\/x\.ts".*new URL/,
  ],
  ['no topologyModule', () => streams({ topologyModule: undefined }), /topologyModule/],
  [
    'a listener to nothing',
    () => streams({ onRestore: { ended: () => undefined } }),
    /onRestore has no option "ended"/,
  ],
  ['a listener that is none', () => streams({ onRestore: { started: 1 } }), /onRestore needs started, a function/],
  [
    'something else for a topology',
    () => streams({ topologyModule: undefined, topology: 1 }),
    /topology takes what build\(\)/,
  ],
  [
    'a topology that is a copy',
    () => streams({ topologyModule: undefined, topology: { ...topology() } }),
    /topology takes what build\(\).*topologyModule/,
  ],
  ['a topology and a module', () => streams({ topology: topology() }), /either topology or topologyModule/],
  [
    'a topology and options for it',
    () => streams({ topologyModule: undefined, topology: topology(), topologyOptions: {} }),
    /either topology or topologyOptions/,
  ],
  ['no logger', () => streams({ logger: undefined }), /logger/],
  ['half a logger', () => streams({ logger: { info: () => undefined } }), /logger.*debug/],
  ['traces without onSpans', () => streams({ traces: { sampleRatio: 1 } }), /traces needs onSpans/],
  ['traces.ratio', () => streams({ traces: { onSpans: () => undefined, ratio: 1 } }), /traces.*"ratio"/],
  [
    'traces.sampleRatio',
    () => streams({ traces: { onSpans: () => undefined, sampleRatio: 50 } }),
    /traces\.sampleRatio takes a number from 0.*not 50/,
  ],
  ['creatableTopic', () => streams({ creatableTopic: {} }), /"creatableTopic".*"creatableTopics"/],
  [
    'creatableTopics.partition',
    () => streams({ creatableTopics: { a: { partition: 2 } } }),
    /creatableTopics\["a"\].*"partition".*"partitions"/,
  ],
  [
    'creatableTopics without partitions',
    () => streams({ creatableTopics: { a: {} } }),
    /creatableTopics\["a"\]\.partitions/,
  ],
  ['no options', () => Reflect.construct(KafkaStreams, []), /KafkaStreams takes an object/],
  ['no connection', () => streams({ connection: undefined }), /connection/],
  ['connection.broker', () => streams({ connection: { broker: 'a:1', clientId: 'a' } }), /"broker".*"brokers"/],
  [
    'brokers that are one text',
    () => streams({ connection: { brokers: 'a:1', clientId: 'a' } }),
    /connection\.brokers.*list/,
  ],
  [
    'connection.tls.cert',
    () => streams({ connection: { ...connection, tls: { cert: 'x' } } }),
    /connection\.tls.*"cert"/,
  ],
  [
    'connection.sasl.user',
    () => streams({ connection: { ...connection, sasl: { user: 'x' } } }),
    /connection\.sasl.*"user".*"username"/,
  ],
  ...[
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:99999',
    'localhost:kafka',
    'http://localhost:9092',
    ' a :1',
  ].map((broker): [string, () => unknown, RegExp] => [
    `a broker at ${broker}`,
    () => streams({ connection: { ...connection, brokers: ['a:1', broker] } }),
    /connection\.brokers takes host:port each, such as "localhost:9092", not "/,
  ]),
  [
    'connection.tls.ca that is no text',
    () => streams({ connection: { ...connection, tls: { ca: 5 } } }),
    /connection\.tls\.ca takes PEM text, not 5/,
  ],
  [
    'a mechanism that there is not',
    () => streams({ connection: { ...connection, sasl: { mechanism: 'gssapi', username: 'a', password: 'b' } } }),
    /connection\.sasl\.mechanism takes "plain", .*not "gssapi"/,
  ],
  [
    'a mechanism without a name',
    () => streams({ connection: { ...connection, sasl: { mechanism: 'plain', password: 'b' } } }),
    /connection\.sasl\.username takes a text/,
  ],
  [
    'a mechanism with an empty password',
    () => streams({ connection: { ...connection, sasl: { mechanism: 'plain', username: 'a', password: '' } } }),
    /connection\.sasl\.password takes a text/,
  ],
  [
    'a time as text',
    () => streams({ connection: { ...connection, requestTimeoutMs: '5' } }),
    /connection\.requestTimeoutMs takes milliseconds/,
  ],
  [
    'topologyOptions that cannot cross threads',
    () => streams({ topologyOptions: { decode: () => 1 } }),
    /topologyOptions must be plain data/,
  ],
  ['a module without buildTopology', () => streams({}).start(), /exports no function buildTopology/],
  [
    'a module that is not there',
    () => streams({ topologyModule: pathToFileURL(join(folder, 'gone.mjs')) }).start(),
    /gone\.mjs cannot be loaded/,
  ],
  [
    'a module that answers no topology',
    () => streams({ topologyModule: module('export const buildTopology = () => ({});') }).start(),
    /returned an object, not a topology/,
  ],
  ['stream: timestampMS', () => words({ timestampMS: () => 1 }), /stream\("words"\).*"timestampMS".*"timestampMs"/],
  ['stream: no options', () => new StreamsBuilder().stream('words', undefined as never), /stream\("words"\)/],
  ['groupBy: nme', () => words().groupBy(String, { nme: 'a' } as never), /groupBy\(\).*"nme".*"name"/],
  ['groupBy: no selector', () => words().groupBy(undefined as never, { name: 'a' }), /groupBy\(\) needs selector/],
  ['groupByKey: null', () => words().groupByKey(null as never), /groupByKey\(\)/],
  [
    'count: stor',
    () =>
      words()
        .groupByKey({ name: 'a' })
        .count({ stor: 'a' } as never),
    /count\(\).*"stor".*"store"/,
  ],
  [
    'aggregate: serde',
    () =>
      words()
        .groupByKey({ name: 'a' })
        .aggregate({} as never, { store: 'a', serde: 1 } as never),
    /aggregate\(\).*"serde"/,
  ],
  [
    'reduce: sotre',
    () =>
      words()
        .groupByKey({ name: 'a' })
        .reduce((a) => a, { sotre: 'a' } as never),
    /reduce\(\).*"sotre".*"store"/,
  ],
  [
    'windowed count: names',
    () =>
      words()
        .groupByKey({ name: 'a' })
        .windowedBy(tumbling({ sizeMs: 1, retentionMs: 1 }))
        .count({ names: 'a' } as never),
    /count\(\).*"names"/,
  ],
  [
    'windowedBy: something else',
    () =>
      words()
        .groupByKey({ name: 'a' })
        .windowedBy({ ...windowed, grace: 1 } as never),
    /windowedBy\(\).*"grace".*"graceMs"/,
  ],
  [
    'tumbling: retentionMS',
    () => tumbling({ sizeMs: 1, retentionMS: 1 } as never),
    /tumbling\(\).*"retentionMS".*"retentionMs"/,
  ],
  [
    'hopping: advancedMs',
    () => hopping({ ...windowed, advancedMs: 1 } as never),
    /hopping\(\).*"advancedMs".*"advanceMs"/,
  ],
  [
    'process: store',
    () => words().process(() => ({ process: () => undefined }), { store: [] } as never),
    /process\(\).*"store".*"stores"/,
  ],
  [
    'process: a store with retention',
    () =>
      words().process(() => ({ process: () => undefined }), {
        stores: [{ name: 'a', kind: 'key-value', serde: jsonSerde<unknown>(), retention: 1 } as never],
      }),
    /"retention".*"retentionMs"/,
  ],
  ['process: no supplier', () => words().process(undefined as never), /process\(\) needs supplier/],
  ['driver: partition', () => driver({ partition: { words: 2 } }), /TopologyTestDriver.*"partition".*"partitions"/],
  ['driver: partitions of a topic that is not there', () => driver({ partitions: { word: 2 } }), /"word".*"words"/],
  ['driver: half a partition', () => driver({ partitions: { words: 1.5 } }), /words.*1\.5/],
  ['driver: pipe', () => driver().pipe('wrods', { value: 'a' }), /pipe.*"wrods".*"words"/],
  ['driver: pipe into a sink', () => driver().pipe('out', { value: 'a' }), /pipe.*read.*"out"/],
  [
    'driver: a record with a timestamp',
    () => driver().pipe('words', { value: 'a', timestamp: 1 } as never),
    /"timestamp".*"timestampMs"/,
  ],
  [
    'driver: a partition that is not there',
    () => driver({ partitions: { words: 2 } }).pipe('words', { value: 'a', partition: 2 }),
    /no partition 2, it has 2/,
  ],
  ['driver: output', () => driver().output('ot'), /output.*"ot".*"out"/],
  ['driver: store', () => driver().store('count'), /"count".*"counts"/],
  ['driver: entries', () => driver().entries('count'), /"count".*"counts"/],
  ['global table: topic', () => table({ topic: 'a' }), /"topic".*"topics"/],
  ['global table: no topics', () => table({ topics: [] }), /topics/],
  ['global table: one text', () => table({ topics: 'abc' }), /topics.*"abc"/],
  ['global table: no onFatal', () => table({ onFatal: undefined }), /onFatal/],
  ['global table: no logger', () => table({}, undefined), /logger/],
])('%s is CONFIG_INVALID, and named', async (_name, call, words_) => {
  const message = await said(call);
  expect(message).toMatch(/^CONFIG_INVALID: /);
  expect(message).toMatch(words_);
});

test.each([
  ['neither value nor decode', { decode: undefined }],
  ['both', { value: stringSerde }],
])('stream: %s is TOPOLOGY_INVALID at build(), and the stream is named', async (_name, change) => {
  const builder = new StreamsBuilder();
  builder.stream('words', { decode: String, ...change } as never);
  expect(await said(() => builder.build())).toMatch(/^TOPOLOGY_INVALID: stream\("words"\) .*value.*decode/);
});

/** Refused when the topology is built. */
test.each<[string, (builder: StreamsBuilder) => unknown, RegExp]>([
  [
    'an aggregate that may merg',
    (builder) => counted(builder, { merg: (a: number, b: number) => a + b }),
    /aggregate of the store "c" of KSTREAM-AGGREGATE.*"merg".*"merge"/,
  ],
  ['a merge that is none', (builder) => counted(builder, { merge: true }), /merge.*function, not true/],
  [
    'an aggregate that may subtact',
    (builder) => counted(builder, { subtact: (a: number) => a }),
    /"subtact".*"subtract"/,
  ],
  ['a subtract that is none', (builder) => counted(builder, { subtract: 1 }), /subtract.*function, not 1/],
  ['combine: yes, of an aggregate', (builder) => counted(builder, { combine: 'yes' }), /combine.*true or false.*"yes"/],
  [
    'combine: yes, of a reducer',
    (builder) =>
      builder
        .stream('words', { value: stringSerde })
        .groupByKey({ name: 'g' })
        .reduce((a) => a, { store: 'c', combine: 'yes' as never }),
    /combine of reduce\(\) into "c".*true or false.*"yes"/,
  ],
  [
    'a reducer that may subtact',
    (builder) =>
      builder
        .table('rows', { value: stringSerde })
        .groupBy((value, key) => ({ key, value }), { name: 'g' })
        .reduce({ add: (a: string) => a, subtract: (a: string) => a, subtact: 1 } as never, { store: 'c' }),
    /reduce\(\) of the grouping "g" has no part "subtact".*"subtract"/,
  ],
  [
    'nulls: kep',
    (builder) => builder.stream('words', { value: stringSerde, nulls: 'kep' as never }),
    /nulls of stream\("words"\) is 'drop' or 'keep', not "kep"/,
  ],
  [
    'suppress until anything',
    (builder) => builder.table('rows', { value: stringSerde }).suppress({ until: 'x' } as never),
    /suppress\(\).*until.*'window-closes' or 'time-limit', not "x"/,
  ],
])('%s is refused, and named', async (_name, declare, words_) => {
  const builder = new StreamsBuilder();
  const message = await said(() => {
    declare(builder);
    builder.build();
  });
  expect(message).toMatch(/^(?:TOPOLOGY|CONFIG)_INVALID: /);
  expect(message).toMatch(words_);
});

test('suppress() checks its limits as untilTimeLimit() does', () => {
  const rows = new StreamsBuilder().table('rows', { value: stringSerde });
  for (const limits of [{ limitMs: '5', maxRows: 1 }, { limitMs: 5 }, { limitMs: 5, maxRows: 0 }])
    expect(() => rows.suppress({ until: 'time-limit', ...limits } as never)).toThrow(RangeError);
});

function counted(builder: StreamsBuilder, parts: object): void {
  builder
    .stream('words', { value: stringSerde })
    .groupByKey({ name: 'g' })
    .aggregate<number>({ empty: () => 0, add: (a: number) => a + 1, serde: jsonSerde<number>(), ...parts } as never, {
      store: 'c',
    });
}

/** Refused where a processor calls them. */
test.each<[string, (context: ProcessorContext<string, string>) => unknown, RegExp]>([
  [
    'forward: timestamp',
    (context) => context.forward('k', 'v', { timestamp: 1 } as never),
    /"timestamp".*"timestampMs"/,
  ],
  ['forward: no options', (context) => context.forward('k', 'v', null as never), /forward\(\) takes an object/],
  [
    'schedule: every',
    (context) => context.schedule({ every: 1, clock: 'wall-clock' } as never, () => undefined),
    /"every".*"everyMs"/,
  ],
  [
    'schedule: nothing',
    (context) => context.schedule(undefined as never, () => undefined),
    /schedule\(\) takes an object/,
  ],
  [
    'schedule: no function',
    (context) => context.schedule({ everyMs: 1, clock: 'wall-clock' }, undefined as never),
    /schedule\(\) needs call, a function/,
  ],
])('%s is USER_CODE_FAILED, and named', async (_name, call, words_) => {
  const builder = new StreamsBuilder();
  builder.stream('words', { value: stringSerde }).process((context: ProcessorContext<string, string>) => () => {
    call(context);
  });
  const message = await said(() => new TopologyTestDriver(builder.build()).pipe('words', { value: 'a' }));
  expect(message).toMatch(/^USER_CODE_FAILED: task 0_0 failed at KSTREAM-PROCESSOR-.*words-0 offset 0/);
  expect(message).toMatch(words_);
});

test('what there is, is taken', async () => {
  expect(
    await said(() => streams({ topologyOptions: { a: 1 }, creatableTopics: { a: { partitions: 1, config: {} } } })),
  ).toBe('taken');
  expect(
    await said(() =>
      driver({
        applicationId: 'a',
        partitions: { words: 3, out: 2, dlq: 1, 'a-counts-changelog': 3 },
        nowMs: () => 5,
      }).pipe('words', { key: 'a', value: 'a' }),
    ),
  ).toBe('taken');
  const written = driver();
  await written.pipe('words', { key: 'k', value: 'a' });
  expect([
    ...written.output('words'),
    ...written.output('dlq'),
    ...written.output('test-counts-changelog'),
  ]).toHaveLength(1);
  await written.pipe('words', ...written.output('out'));
  expect(written.store('counts').get('k')).toBe(2);
});

test('the nearest name is a slip away, or there is none', () => {
  expect(nearestName('numStreamThread', ['numStandbyReplicas', 'numStreamThreads'])).toBe('numStreamThreads');
  expect(nearestName('xyz', ['brokers'])).toBeUndefined();
});
