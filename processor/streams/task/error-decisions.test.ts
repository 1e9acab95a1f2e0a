import { expect, jest, test } from '@jest/globals';
import { TopologyTestDriver, type TopologyTestDriverOptions } from '../testing/topology-test-driver.ts';
import { stringSerde } from '../topology/serdes.ts';
import type { KTable } from '../topology/dsl-types.ts';
import { StreamsBuilder } from '../topology/streams-builder.ts';
import type { ErrorDecision, FailedRecord } from './error-decisions.ts';

const boom = (text: string): string => {
  if (text.includes('bad')) throw new Error(`no ${text}`);
  return text;
};

interface Shape {
  readonly deadLetterTopic?: string;
  readonly serde?: typeof stringSerde;
}

/** A copy, a count of what passed, and what table rows become at the commit. */
function driverOf(options: TopologyTestDriverOptions, { deadLetterTopic, serde = stringSerde }: Shape = {}) {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', {
    decode: ({ value }) => value?.toString() ?? '',
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
  });
  if (deadLetterTopic !== undefined)
    words
      .deadLetters()
      .mapValues(({ reason }) => reason)
      .to('reasons', { value: stringSerde });
  words.mapValues(boom).to('out', { value: serde });
  words
    .groupBy((text) => text, { name: 'words' })
    .count({ store: 'counts' })
    .toStream()
    .mapValues((_, key) => {
      if (key === 'late bomb') throw new Error('at the commit');
      return 'told';
    })
    .to('told', { value: stringSerde });
  return new TopologyTestDriver(builder.build(), options);
}

const values = (driver: TopologyTestDriver, topic: string): unknown[] =>
  driver.output(topic).map(({ value }) => value?.toString());

test('without a handler user code that fails fails the task', async () => {
  const driver = driverOf({});
  await expect(driver.pipe('in', { value: 'bad' })).rejects.toMatchObject({ code: 'USER_CODE_FAILED' });
});

test('a failure that is skipped is counted, and costs what is behind its node only', async () => {
  const asked: [string, FailedRecord | undefined][] = [];
  const driver = driverOf({
    onProcessingError: (error, record) => {
      asked.push([`${error.code} ${error.message} ${String((error.cause as Error).message)}`, record]);
      return 'skip';
    },
  });
  const headers = { trace: Buffer.from('1') };
  await driver.pipe('in', { value: 'one' }, { key: 'k', value: 'bad', timestampMs: 5, headers }, { value: 'two' });
  expect(values(driver, 'out')).toEqual(['one', 'two']);
  expect(driver.dropped()).toEqual({ 'processing-error': 1 });
  // As in Kafka Streams: other branches have the record.
  expect([...driver.store('counts')]).toEqual([
    ['one', 1],
    ['bad', 1],
    ['two', 1],
  ]);
  expect(asked).toEqual([
    [
      expect.stringMatching(
        /^USER_CODE_FAILED task 0_0 failed at KSTREAM-MAPVALUES-\d+, in-0 offset 1: no bad no bad$/,
      ),
      {
        topic: 'in',
        partition: 0,
        offset: 1,
        timestampMs: 5,
        key: Buffer.from('k'),
        value: Buffer.from('bad'),
        headers,
      },
    ],
  ]);
});

test('a failure at the commit is skipped row by row, and has no record', async () => {
  const onProcessingError = jest.fn((): ErrorDecision => 'skip');
  const driver = driverOf({ onProcessingError });
  await driver.pipe('in', { value: 'late bomb' }, { value: 'word' });
  expect(values(driver, 'told')).toEqual(['told']);
  expect(onProcessingError.mock.calls).toEqual([
    [expect.objectContaining({ message: expect.stringContaining('at the commit') }), undefined],
  ]);
});

test('so is one of a table, and of a join of tables: row by row, node by node', async () => {
  const builder = new StreamsBuilder();
  const table = (topic: string): KTable<string, string> => builder.table(topic, { value: stringSerde });
  const [left, right] = [table('left'), table('right')];
  left.mapValues(boom).toStream().to('mapped', { value: stringSerde });
  left
    .join(right, (a, b) => boom(`${a} ${b}`))
    .toStream()
    .to('joined', { value: stringSerde });
  const where: string[] = [];
  const driver = new TopologyTestDriver(builder.build(), {
    onProcessingError: ({ message }) => {
      where.push(message.replace(/^task 0_0 failed at KSTREAM-|-\d+,.*$/g, ''));
      return 'skip';
    },
  });
  await driver.pipe('right', { key: 'a', value: 'right' }, { key: 'b', value: 'bad' }, { key: 'c', value: 'right' });
  await driver.pipe('left', { key: 'a', value: 'one' }, { key: 'b', value: 'two' }, { key: 'c', value: 'bad' });
  expect([values(driver, 'mapped'), values(driver, 'joined')]).toEqual([['one', 'two'], ['one right']]);
  expect(driver.dropped()).toEqual({ 'processing-error': 3 });
  expect(where).toHaveLength(3);
});

test.each(['stream-time', 'wall-clock'] as const)('and of a punctuator by %s, which has no record', async (clock) => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .process<string, string>((context) => {
      context.schedule({ everyMs: 10, clock }, (timestampMs) => boom(`bad ${String(timestampMs)}`));
      return (value, key) => context.forward(key as string, value);
    })
    .to('out', { value: stringSerde });
  const onProcessingError = jest.fn((): ErrorDecision => 'skip');
  const topology = builder.build();
  const driver = new TopologyTestDriver(topology, { onProcessingError, nowMs: () => 0 });
  await driver.pipe('in', { key: 'a', value: 'one', timestampMs: 5 });
  await driver.advanceWallClock(10);
  expect(values(driver, 'out')).toEqual(['one']);
  expect(onProcessingError.mock.calls).toEqual([
    [expect.objectContaining({ message: expect.stringMatching(/PROCESSOR-\d+, at a punctuation: no bad/) }), undefined],
  ]);
  expect(driver.dropped()).toEqual({ 'processing-error': 1 });
});

test('a decoder that throws is asked about, too, and the records behind it are processed', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', { decode: ({ value }) => boom(String(value)) }).to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
  await driver.pipe('in', ...['bad', 'one', 'bad', 'bad', 'two', 'bad'].map((value) => ({ value })));
  expect([values(driver, 'out'), driver.dropped()]).toEqual([['one', 'two'], { 'processing-error': 4 }]);
});

test('of several inputs, too', async () => {
  const builder = new StreamsBuilder();
  const read = (topic: string) =>
    builder.stream(topic, { decode: ({ value }) => boom(String(value)), timestampMs: () => 1 });
  read('a').merge(read('b')).to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
  await driver.pipe('a', { value: 'bad' }, { value: 'one' });
  await driver.pipe('b', { value: 'bad' }, { value: 'two' });
  expect([values(driver, 'out'), driver.dropped()]).toEqual([['one', 'two'], { 'processing-error': 2 }]);
});

test('a dead letter says why, is counted, and is read by deadLetters()', async () => {
  const driver = driverOf({ onProcessingError: () => 'dead-letter' }, { deadLetterTopic: 'dlq' });
  await driver.pipe('in', { key: 'k', value: 'bad' }, { value: 'one' });
  const [letter, ...more] = driver.output('dlq');
  expect([letter?.key?.toString(), letter?.value?.toString(), more]).toEqual(['k', 'bad', []]);
  expect(letter?.headers['__streams.errors.exception']?.toString()).toBe('PROCESSING_FAILED');
  expect(letter?.headers['__streams.errors.message']?.toString()).toMatch(/KSTREAM-MAPVALUES.*no bad/);
  expect([values(driver, 'reasons'), driver.dropped()]).toEqual([['PROCESSING_FAILED'], { 'processing-error': 1 }]);
});

test('a record that fails in two branches is one dead letter, and two failures', async () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', { value: stringSerde, deadLetterTopic: 'dlq' });
  words.mapValues(boom).to('left', { value: stringSerde });
  words.mapValues((text) => boom(`${text}!`)).to('right', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build(), { onProcessingError: () => 'dead-letter' });
  await driver.pipe('in', { value: 'bad' }, { value: 'one' }, { value: 'bad too' });
  expect(values(driver, 'dlq')).toEqual(['bad', 'bad too']);
  expect(driver.dropped()).toEqual({ 'processing-error': 4 });
  expect([values(driver, 'left'), values(driver, 'right')]).toEqual([['one'], ['one!']]);
});

test('so is one that fails in a branch, and that two topics do not take', async () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', { value: stringSerde, deadLetterTopic: 'dlq' });
  for (const topic of ['left', 'right'])
    words.to(() => topic, { partitioner: (_, text) => boom(text).indexOf('x') + 1 });
  words.mapValues(boom).to('mapped', { value: stringSerde });
  const letter = (): ErrorDecision => 'dead-letter';
  const driver = new TopologyTestDriver(builder.build(), { onProcessingError: letter, onProductionError: letter });
  await driver.pipe('in', { value: 'bad' }, { value: 'one' }, { value: 'bad too' });
  expect(values(driver, 'dlq')).toEqual(['bad', 'bad too']);
  expect(driver.dropped()).toEqual({ 'processing-error': 2, 'production-error': 4 });
});

test('what a handler does to the record that it is given changes nothing that goes on', async () => {
  const builder = new StreamsBuilder();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const words = builder.stream('in', { key: bytes, value: bytes, deadLetterTopic: 'dlq' });
  words.mapValues((value) => boom(String(value))).to('left', { value: stringSerde });
  words.to('right');
  const driver = new TopologyTestDriver(builder.build(), {
    onProcessingError: (_, record) => {
      const { key, value, headers } = record as FailedRecord;
      for (const part of [key, value, headers['trace']]) part?.fill('-');
      Object.assign(headers, { more: Buffer.from('more') });
      return 'dead-letter';
    },
  });
  await driver.pipe('in', { key: 'k', value: 'bad', headers: { trace: Buffer.from('1') } });
  const seen = ['right', 'dlq'].flatMap((topic) =>
    driver.output(topic).map(({ key, value, headers: { trace, more } }) => [key, value, trace, more].map(String)),
  );
  expect(seen).toEqual(Array.from({ length: 2 }, () => ['k', 'bad', '1', 'undefined']));
});

test('nor does what it does to a record that could not be written', async () => {
  const builder = new StreamsBuilder();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  builder.stream('in', { key: bytes, value: bytes, deadLetterTopic: 'dlq' }).to(() => 'out', {
    partitioner: () => boom('bad').length,
  });
  const spoiled: unknown[] = [];
  const driver = new TopologyTestDriver(builder.build(), {
    onProductionError: (_, { source: _source, ...output }) => {
      spoiled.push([output.key, output.value, output.headers['trace']].map(String));
      for (const part of [output.key, output.value, output.headers['trace']]) part?.fill('-');
      return 'dead-letter';
    },
  });
  await driver.pipe('in', { key: 'k', value: 'one', headers: { trace: Buffer.from('1') } });
  const letters = driver.output('dlq').map(({ key, value, headers: { trace } }) => [key, value, trace].map(String));
  expect([spoiled, letters]).toEqual([[['k', 'one', '1']], [['k', 'one', '1']]]);
});

test.each([
  ['without a dead-letter topic', 'bad', /answered "dead-letter", but the stream of in has no deadLetterTopic/],
  ['at the commit', 'late bomb', /answered "dead-letter", but there is no record at the commit/],
])('a dead letter %s is an error that says so', async (_, value, message) => {
  const driver = driverOf({ onProcessingError: () => 'dead-letter' });
  await expect(driver.pipe('in', { value })).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringMatching(message),
  });
});

test.each([
  ['fail', () => 'fail', /no bad$/],
  [
    'nothing',
    () => undefined as never,
    /no bad; onProcessingError answers "fail", "skip", "dead-letter", not undefined/,
  ],
  [
    'by throwing',
    () => {
      throw new Error('broken');
    },
    /no bad; onProcessingError threw: broken/,
  ],
] as [string, () => ErrorDecision, RegExp][])(
  'a handler that answers %s fails the task',
  async (_, handler, message) => {
    const driver = driverOf({ onProcessingError: handler });
    await expect(driver.pipe('in', { value: 'bad' })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
    expect(driver.dropped()).toEqual({});
  },
);

test('a serde of a sink is for onProductionError, and for nobody else', async () => {
  const serde = { ...stringSerde, serialize: (text: string) => stringSerde.serialize(boom(text)) };
  const builder = new StreamsBuilder();
  builder.stream('in', { decode: ({ value }) => String(value), deadLetterTopic: 'dlq' }).to('out', { value: serde });
  const topology = builder.build();
  const onProductionError = jest.fn((): ErrorDecision => 'dead-letter');
  const driver = new TopologyTestDriver(topology, { onProductionError });
  await driver.pipe('in', { value: 'bad', timestampMs: 7 }, { value: 'one' });
  expect([values(driver, 'out'), values(driver, 'dlq')]).toEqual([['one'], ['bad']]);
  expect(driver.dropped()).toEqual({ 'production-error': 1 });
  expect(onProductionError.mock.calls).toEqual([
    [
      expect.objectContaining({ code: 'USER_CODE_FAILED' }),
      {
        topic: 'out',
        partition: undefined,
        timestampMs: 7,
        key: null,
        value: null,
        headers: {},
        source: expect.objectContaining({ topic: 'in', offset: 0, value: Buffer.from('bad') }),
      },
    ],
  ]);
  const other = new TopologyTestDriver(topology, { onProcessingError: () => 'skip' });
  await expect(other.pipe('in', { value: 'bad' })).rejects.toMatchObject({ code: 'USER_CODE_FAILED' });
});

test.each([
  ['skip', [[], 1]],
  ['dead-letter', [['__in__'], 1]],
] as const)('a record that its topic does not take: %s', async (decision, expected) => {
  const builder = new StreamsBuilder();
  // No codec makes it smaller.
  const large = Array.from({ length: 1_200_000 }, (_, at) => (at * at * 7919) % 256);
  const random = Buffer.from(large.map((byte, at) => (byte * (at % 251) + (at >> 7)) & 0xff));
  for (let at = 1; at < random.length; at += 1)
    random[at] = ((random[at] as number) ^ ((random[at - 1] as number) * 167 + 13)) & 0xff;
  builder.stream('in', { decode: ({ value }) => String(value), deadLetterTopic: 'dlq' }).to('out', {
    value: { ...stringSerde, serialize: (text: string) => (text === '__in__' ? random : Buffer.from(text)) },
  });
  const codes: string[] = [];
  const driver = new TopologyTestDriver(builder.build(), {
    onProductionError: (error, { value, source }) => {
      codes.push(`${error.code} ${String(value?.length)} ${String(source?.value)}`);
      return decision;
    },
  });
  // A key: a record of a sink that has one is written on another way.
  await driver.pipe('in', { key: 'k', value: '__in__' }, { value: 'small' });
  expect([values(driver, 'dlq'), driver.dropped()['production-error']]).toEqual(expected);
  expect(values(driver, 'out')).toEqual(['small']);
  expect(codes).toEqual(['RECORD_TOO_LARGE 1200000 __in__']);
});

test('what is no failure of user code is nobody’s to decide', async () => {
  const driver = driverOf({ onProcessingError: () => 'skip', onProductionError: () => 'skip' });
  await driver.pipe('in', { value: 'one' });
  await expect(
    driver.pipe('in', { value: 'bad', timestampMs: Number.NaN }).then(() => driver.dropped()),
  ).resolves.toEqual({ 'invalid-timestamp': 1 });
});

test('handlers are functions, and known by name', () => {
  expect(() => driverOf({ onProcessingError: 'skip' as never })).toThrow(/onProcessingError, a function, not "skip"/);
  expect(() => driverOf({ onProcesingError: () => 'skip' } as never)).toThrow(/did you mean "onProcessingError"/);
});
