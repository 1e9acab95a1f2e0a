import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { StreamsError } from '../errors.ts';
import {
  DeadLetter,
  jsonSerde,
  stringSerde,
  StreamsBuilder,
  tumbling,
  versionedStore,
  type Serde,
  type Topology,
} from '../index.ts';
import { TopologyTestDriver } from './topology-test-driver.ts';

const text: Serde<string> = stringSerde;
const MINUTE_MS = 60_000;

/** Words from `words`, counted by word and by minute; each word is handed on to `out`. */
function counting(): Topology {
  const builder = new StreamsBuilder();
  const words = builder.stream('words', { decode: ({ value }) => String(value) });
  words.to('out', { value: text });
  const grouped = words.groupBy((word) => word, { name: 'by-word' });
  grouped.count({ store: 'counts' });
  grouped.windowedBy(tumbling({ sizeMs: MINUTE_MS, retentionMs: 10 * MINUTE_MS })).count({ store: 'minutes' });
  return builder.build();
}

/** `code: message` of what a call throws. */
async function said(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'taken';
  } catch (error) {
    return error instanceof StreamsError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe('what comes out', () => {
  test('output has the Kafka timestamp, the clock of the driver, and headers', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', { decode: () => new DeadLetter('BAD', 'it is bad'), deadLetterTopic: 'dlq' });
    const driver = new TopologyTestDriver(builder.build(), { nowMs: () => 5_000 });
    await driver.advanceWallClock(700);
    await driver.pipe('in', { value: 'a', timestampMs: 1, headers: { trace: Buffer.from('t') } });
    const [letter] = driver.output('dlq');
    expect([letter?.timestampMs, letter?.headers['trace']?.toString()]).toEqual([5_700, 't']);
  });

  test('rows are ordered by the bytes of their keys, then by window, without rows of the runtime', async () => {
    const driver = new TopologyTestDriver(counting(), { partitions: { words: 3 } });
    // In UTF-16 the second of them would go first.
    const keys = ['z', '\u{ff5e}', '\u{1f600}', 'a'];
    await driver.pipe(
      'words',
      ...keys.flatMap((value) => [2, 0].map((minute) => ({ value, timestampMs: minute * MINUTE_MS, key: value }))),
    );
    const inOrder = ['a', 'z', '\u{ff5e}', '\u{1f600}'];
    expect(driver.rows('counts')).toEqual(inOrder.map((key) => ({ key, value: 2 })));
    expect(driver.rows('minutes')).toEqual(
      inOrder.flatMap((key) =>
        [0, 2].map((minute) => ({ key, startMs: minute * MINUTE_MS, endMs: (minute + 1) * MINUTE_MS, value: 1 })),
      ),
    );
  });

  test('changes of a store are in the partition of its task, and the same rows are on its changelog', async () => {
    const driver = new TopologyTestDriver(counting(), { partitions: { words: 4 } });
    await driver.pipe('words', ...['a', 'b', 'c', 'd', 'e'].map((value) => ({ value, key: value })));
    const places = driver.output('test-counts-changelog').map(({ partition, key }) => `${String(key)} ${partition}`);
    const stored = (await driver.entries('counts')).map(([partition, key]) => `${String(key)} ${partition}`);
    expect(places.sort()).toEqual(stored.sort());
    expect(new Set(stored.map((place) => place.slice(-1))).size).toBeGreaterThan(1);
  });

  test('typed topics write and read with their serdes, text keys by default', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('orders', { decode: ({ value }) => JSON.parse(String(value)) as { cents: number } })
      .mapValues(({ cents }) => cents)
      .to('cents', { value: jsonSerde<number>() });
    const driver = new TopologyTestDriver(builder.build(), { partitions: { orders: 2 } });
    const orders = driver.inputTopic('orders', { value: jsonSerde<{ cents: number }>() });
    const cents = driver.outputTopic('cents', { key: stringSerde, value: jsonSerde<number>() });
    await orders.pipe({ key: 'a', value: { cents: 3 }, timestampMs: 9 }, { key: 'b', value: { cents: 4 } });
    const read: { key: string | null; value: number | null }[] = cents.read();
    expect(read.map(({ key, value }) => [key, value]).sort()).toEqual([
      ['a', 3],
      ['b', 4],
    ]);
    expect(cents.read()).toEqual([]);
    await orders.pipe({ key: 'c', value: { cents: 5 } });
    expect(await said(() => driver.outputTopic('cents', { key: jsonSerde(), value: text }).read())).toMatch(
      /^CONFIG_INVALID: outputTopic\("cents"\): the serde cannot read the key/,
    );
  });
});

describe('the clock', () => {
  test('it starts at nowMs and goes on only when it is told to', async () => {
    const driver = new TopologyTestDriver(counting(), { nowMs: () => 40 });
    expect(driver.nowMs()).toBe(40);
    await driver.advanceWallClock(2);
    expect(driver.nowMs()).toBe(42);
    for (const ms of [-1, 0.5, NaN])
      expect(await said(() => driver.advanceWallClock(ms))).toMatch(/^CONFIG_INVALID: advanceWallClock/);
    expect(driver.nowMs()).toBe(42);
  });

  test('decoders are given it', async () => {
    const seen: number[] = [];
    const builder = new StreamsBuilder();
    builder.stream('in', { decode: (_, nowMs) => seen.push(nowMs) });
    const driver = new TopologyTestDriver(builder.build(), { nowMs: () => 40 });
    await driver.pipe('in', { value: 'a' });
    await driver.advanceWallClock(5);
    await driver.pipe('in', { value: 'a' });
    expect(seen).toEqual([40, 45]);
  });
});

describe('seed', () => {
  test('its rows are there before the first record, in the task of their key', async () => {
    const driver = new TopologyTestDriver(counting(), { partitions: { words: 4 } });
    await driver.seed('counts', [
      { key: 'a', value: 10 },
      { key: 'b', value: 20 },
    ]);
    await driver.seed('minutes', [{ key: 'a', startMs: 0, value: 7 }]);
    expect(driver.rows('counts')).toEqual([
      { key: 'a', value: 10 },
      { key: 'b', value: 20 },
    ]);
    await driver.pipe('words', { key: 'x', value: 'a', timestampMs: 1 });
    expect(driver.rows('counts')).toEqual([
      { key: 'a', value: 11 },
      { key: 'b', value: 20 },
    ]);
    expect(driver.rows('minutes')).toEqual([{ key: 'a', startMs: 0, endMs: MINUTE_MS, value: 8 }]);
    expect(await said(() => driver.seed('counts', []))).toMatch(/^CONFIG_INVALID: seed\("counts"\).*first record/);
  });

  test('rows of a versioned store that the driver has given may be put in, as of any time', async () => {
    const versioned = (): TopologyTestDriver => {
      const builder = new StreamsBuilder();
      builder.table('rows', { store: versionedStore('v', { value: text, historyMs: 1_000 }) });
      return new TopologyTestDriver(builder.build());
    };
    const one = versioned();
    await one.pipe('rows', { key: 'a', value: 'x', timestampMs: 5 }, { key: 'b', value: 'y', timestampMs: 7 });
    const other = versioned();
    await other.seed('v', one.rows<string>('v'));
    expect(other.rows('v')).toEqual(one.rows('v'));
    const third = versioned();
    await third.seed('v', [{ key: 'a', value: 'x', timestampMs: 10 }]);
    await third.pipe('rows', { key: 'a', value: 'older', timestampMs: 5 });
    expect(third.rows('v')).toEqual([{ key: 'a', value: 'x' }]);
  });

  test.each([
    ['an unknown store', 'count', { key: 'a', value: 1 }, /no store "count".*"counts"/],
    ['no text', 'counts', { key: 5 as never, value: 1 }, /seed\("counts"\): a key is text/],
    ['no value', 'counts', { key: 'a', value: null as never }, /has no value/],
    ['a window', 'counts', { key: 'a', startMs: 0, value: 1 }, /has a window, and the store has none/],
    ['no window', 'minutes', { key: 'a', value: 1 }, /has no startMs/],
    ['another window', 'minutes', { key: 'a', startMs: 0, endMs: 5, value: 1 }, /ends at 5.*ends at 60000/],
    ['a time below 0', 'counts', { key: 'a', value: 1, timestampMs: -5 }, /timestampMs.*from 0 on, not -5/],
    ['no time', 'counts', { key: 'a', value: 1, timestampMs: Number.NaN }, /timestampMs.*from 0 on, not NaN/],
    ['an unknown field', 'counts', { key: 'a', vlaue: 1, value: 1 } as never, /"vlaue".*"value"/],
    [
      'a partition that is not there',
      'counts',
      { key: 'a', value: 1, partition: 3 },
      /no partition 3, the store has 1/,
    ],
  ])('%s is refused', async (_name, store, row: { key: string; value: number }, words) => {
    const message = await said(() => new TopologyTestDriver(counting()).seed(store, [row]));
    expect(message).toMatch(/^CONFIG_INVALID: /);
    expect(message).toMatch(words);
  });
});

describe('what production would refuse', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a row of no store', () => new TopologyTestDriver(counting()).rows('count'), /no store "count".*"counts"/],
    ['output', () => new TopologyTestDriver(counting()).output('words-out'), /"words-out"/],
    ['input topic', () => new TopologyTestDriver(counting()).inputTopic('wrods', { value: text }), /"wrods".*"words"/],
    [
      'input into a sink',
      () => new TopologyTestDriver(counting()).inputTopic('out', { value: text }),
      /not read.*"out"/,
    ],
    ['output topic', () => new TopologyTestDriver(counting()).outputTopic('ot', { value: text }), /"ot".*"out"/],
    ['no serde', () => new TopologyTestDriver(counting()).inputTopic('words', {} as never), /inputTopic\("words"\)/],
    ['partitions of', () => new TopologyTestDriver(counting()).partitionsOf('wrods'), /"wrods".*"words"/],
    ['application id', () => new TopologyTestDriver(counting(), { applicationId: 'a b' }), /applicationId/],
    [
      'partitions of an internal topic',
      () => new TopologyTestDriver(counting(), { partitions: { words: 2, 'test-by-word-repartition': 3 } }),
      /test-by-word-repartition.*with 2 partitions.*not 3/,
    ],
    [
      'a time',
      () => new TopologyTestDriver(counting()).pipe('words', { value: 'a', timestampMs: 'soon' as never }),
      /timestampMs.*"soon"/,
    ],
    [
      'a header',
      () => new TopologyTestDriver(counting()).pipe('words', { value: 'a', headers: { h: 'text' as never } }),
      /headers.*"h".*"text"/,
    ],
  ])('%s', async (_name, call, words) => {
    const message = await said(call);
    expect(message).toMatch(/^CONFIG_INVALID: /);
    expect(message).toMatch(words);
  });

  test('a record that is too large for its topic, and nothing of that commit is written', async () => {
    const driver = new TopologyTestDriver(counting());
    const noise = randomBytes(2_000_000).toString('base64');
    expect(await said(() => driver.pipe('words', { value: 'small' }, { value: noise }))).toMatch(
      /^RECORD_TOO_LARGE: a record for out is larger/,
    );
    expect([driver.output('out'), driver.rows('counts')]).toEqual([[], []]);
  });

  test('what packs to less than the topic takes is written', async () => {
    const driver = new TopologyTestDriver(counting());
    await driver.pipe('words', { value: 'a'.repeat(3_000_000) });
    expect(driver.output('out').map(({ value }) => value?.length)).toEqual([3_000_000]);
  });

  test('a dead letter that is too large is sent in part', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', { decode: () => new DeadLetter('BAD', 'it is bad'), deadLetterTopic: 'dlq' });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: randomBytes(2_000_000) });
    const [letter] = driver.output('dlq');
    expect(letter?.headers['__tributary.cut.value.bytes']?.toString()).toBe('2000000');
    expect(letter?.value?.length).toBeLessThan(1_000_000);
  });

  test('a row that its own serde does not read back', async () => {
    const serde: Serde<number> = {
      serialize: (n) => Buffer.from(n > 1 ? 'many' : String(n)),
      deserialize: (bytes) => {
        if (String(bytes) === 'many') throw new TypeError('no number');
        return Number(String(bytes));
      },
    };
    const builder = new StreamsBuilder();
    builder
      .stream('in', { decode: ({ value }) => String(value) })
      .groupBy((word) => word, { name: 'by-word' })
      .aggregate<number>({ empty: () => 0, add: (n) => n + 1, merge: (a, b) => a + b, serde }, { store: 'odd' });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: 'a' });
    expect(await said(() => driver.pipe('in', { value: 'a' }))).toMatch(
      /^USER_CODE_FAILED: a row of the store "odd" is one that it could not be restored from.*no number/,
    );
    expect(driver.rows('odd')).toEqual([{ key: 'a', value: 1 }]);
  });
});

test('a commit that fails leaves nothing behind, and its records are read again', async () => {
  let broken = true;
  const builder = new StreamsBuilder();
  const words = builder.stream('words', { decode: ({ value }) => String(value) }).peek((word) => {
    if (broken && word === 'poison') throw new Error('it is poison');
  });
  words.to('out', { value: text });
  words.groupBy((word) => word, { name: 'by-word' }).count({ store: 'counts' });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('words', { value: 'a' });
  driver.output('out');
  expect(await said(() => driver.pipe('words', { value: 'a' }, { value: 'poison' }))).toMatch(
    /words-0 offset 2.*poison/,
  );
  expect([driver.output('out'), driver.rows('counts')]).toEqual([[], [{ key: 'a', value: 1 }]]);
  broken = false;
  await driver.pipe('words', { value: 'b' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['a', 'poison', 'b']);
  expect(driver.rows('counts')).toEqual([
    { key: 'a', value: 2 },
    { key: 'b', value: 1 },
    { key: 'poison', value: 1 },
  ]);
});

test('processors and schedules of a task that failed are closed, and made anew', async () => {
  const builder = new StreamsBuilder();
  const told: string[] = [];
  let made = 0;
  builder.stream('in', { decode: ({ value }) => String(value) }).process(
    (context) => {
      made += 1;
      const name = `processor ${String(made)}`;
      let seen = 0;
      context.schedule({ everyMs: 10, clock: 'wall-clock' }, () => void told.push(`${name} punctuates`));
      return {
        process: (value: string) => {
          seen += 1;
          if (value === 'poison' && made === 1) throw new Error('it is poison');
          told.push(`${name} takes ${value}, its number ${String(seen)}`);
        },
        close: () => {
          told.push(`${name} is closed`);
          throw new Error('it does not even close');
        },
      };
    },
    { stores: ['counts'] },
  );
  builder.addStore({ name: 'counts', kind: 'window', serde: stringSerde, windowSizeMs: 10, retentionMs: 100 });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { value: 'a' });
  expect(await said(() => driver.pipe('in', { value: 'poison' }))).toMatch(/in-0 offset 1.*it is poison/);
  await driver.pipe('in', { value: 'b' });
  await driver.advanceWallClock(10);
  expect(told).toEqual([
    'processor 1 takes a, its number 1',
    'processor 1 is closed',
    'processor 2 takes poison, its number 1',
    'processor 2 takes b, its number 2',
    'processor 2 punctuates',
  ]);
});

test('calls that are not awaited do not overlap', async () => {
  const driver = new TopologyTestDriver(counting(), { partitions: { words: 2 } });
  await Promise.all(Array.from({ length: 20 }, (_, at) => driver.pipe('words', { value: 'a', key: String(at) })));
  expect(driver.rows('counts')).toEqual([{ key: 'a', value: 20 }]);
});

test('many records of several inputs in one call are all read, in the order of their times', async () => {
  const builder = new StreamsBuilder();
  const seen: number[] = [];
  const options = { decode: ({ value }: { value: Buffer | null }) => Number(value), timestampMs: (at: number) => at };
  builder
    .stream('a', options)
    .merge(builder.stream('b', options))
    .peek((at) => void seen.push(at));
  const driver = new TopologyTestDriver(builder.build());
  const half = Array.from({ length: 7_000 }, (_, at) => ({ value: String(2 * at) }));
  await driver.pipe('a', ...half);
  seen.length = 0;
  await driver.pipe('b', ...half);
  expect(seen).toHaveLength(7_000);
});
