import { describe, expect, test } from '@jest/globals';
import { createKeyValueStore } from '../store/key-value-store.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { createWindowStore } from '../store/window-store.ts';
import {
  decodeWindowKey,
  hopping,
  jsonSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  tumbling,
  type KStream,
  type ProcessorContext,
  type SourceStream,
} from '../index.ts';

const INT64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};

const KEYS = [INT64(200), INT64(201), INT64(255)];

type Build = (source: SourceStream<string | null, string>) => void;

function driverOf(build: Build, deadLetterTopic?: string): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(
    builder.stream('in', {
      decode: ({ value }) => String(value),
      ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    }),
  );
  return new TopologyTestDriver(builder.build());
}

const reasonsOf = (driver: TopologyTestDriver): (string | undefined)[] =>
  driver.output('dead').map(({ headers }) => headers['__streams.errors.exception']?.toString());

/** What reads the key of its records, each in its own way. */
const READERS: readonly (readonly [string, Build])[] = [
  ['groupByKey', (source) => void source.groupByKey({ name: 'g' }).count({ store: 'c' })],
  ['groupBy', (source) => void source.groupBy((_value, key) => key, { name: 'g' }).count({ store: 'c' })],
  ['to', (source) => source.to('out', { value: stringSerde })],
  ['process', (source) => void source.process(() => ({ process: (_value, key) => void key }))],
  ['filter', (source) => void source.filter((_value, key) => key !== null)],
  ['map behind filter', (source) => void source.filter(() => true).map((value, key) => ({ key, value }))],
  ['a rest parameter', (source) => void source.peek((...all) => void all)],
  ['a default', (source) => void source.peek((value, key = 'none') => void [value, key])],
  [
    'arguments',
    (source) =>
      void source.peek(function look() {
        return void arguments[1];
      }),
  ],
  ['a bound function', (source) => void source.peek((() => undefined).bind(null))],
  ['branch', (source) => void source.branch((_value, key) => key === null)],
  [
    'groupByKey behind merge',
    (source) =>
      void source
        .merge(source.filter(() => false))
        .mapValues((value) => value)
        .groupByKey({ name: 'g' })
        .count({ store: 'c' }),
  ],
];

describe('keys that are not UTF-8 text', () => {
  test.each(READERS)('%s: a dead letter, with the key as it came', async (_name, build) => {
    const driver = driverOf(build, 'dead');
    await driver.pipe('in', ...KEYS.map((key) => ({ key, value: 'v' })));
    const letters = driver.output('dead');
    expect(letters.map(({ key, headers }) => [key, headers['__streams.errors.exception']?.toString()])).toEqual(
      KEYS.map((key) => [key, 'DESERIALIZATION_FAILED']),
    );
  });

  test.each(READERS)(
    '%s: without a dead-letter topic an error that names task, topic, partition, offset and node',
    async (_name, build) => {
      const driver = driverOf(build);
      await driver.pipe('in', { key: 'text', value: 'v' });
      await expect(driver.pipe('in', { key: KEYS[0] as Buffer, value: 'v' })).rejects.toMatchObject({
        code: 'USER_CODE_FAILED',
        message: expect.stringMatching(
          /^task 0_0 failed at KSTREAM-SOURCE-0000000000: in-0 offset 1 .*DESERIALIZATION_FAILED\) .*not UTF-8 text/,
        ),
      });
    },
  );

  test('what nobody uses may be anything', async () => {
    const driver = driverOf((source) => {
      source
        .filter(() => true)
        .mapValues(({ length }) => length)
        .groupBy(
          function group(length) {
            return String(length);
          },
          { name: 'g' },
        )
        .count({ store: 'c' });
      source
        .process(() => ({
          process(value) {
            void value;
          },
        }))
        .filter((_value, key) => key !== null);
    });
    await driver.pipe('in', ...KEYS.map((key) => ({ key, value: 'v' })), {
      key: Buffer.alloc(20_000, 0xff),
      value: 'v',
    });
    expect(driver.store('c')).toEqual(new Map([['1', 4]]));
  });

  test('the replacement character itself is text', async () => {
    const driver = driverOf((source) => void source.groupByKey({ name: 'g' }).count({ store: 'c' }));
    await driver.pipe(
      'in',
      { key: '\uFFFD', value: 'v' },
      { key: '\uFEFFbom', value: 'v' },
      { key: '', value: 'v' },
      { key: '\0', value: 'v' },
    );
    expect(driver.store('c')).toEqual(
      new Map([
        ['\uFFFD', 1],
        ['\uFEFFbom', 1],
        ['', 1],
        ['\0', 1],
      ]),
    );
  });
});

describe('half of a surrogate pair', () => {
  const HALVES = ['a\ud83d', 'a\ud83c', '\udc00'];
  const HALF = /half of a surrogate pair/;

  test.each(HALVES)('%j is refused as a key by groupBy, map and to, at the record', async (half) => {
    for (const build of [
      (source: KStream<string | null, string>): void =>
        void source.groupBy(() => half, { name: 'g' }).count({ store: 'c' }),
      (source: KStream<string | null, string>): void =>
        void source
          .map((value) => ({ key: half, value }))
          .groupByKey({ name: 'g' })
          .count({ store: 'c' }),
      (source: KStream<string | null, string>): void =>
        source.map((value) => ({ key: half, value })).to('out', { value: stringSerde }),
    ]) {
      await expect(driverOf(build).pipe('in', { value: 'v' })).rejects.toThrow(
        /^task 0_0 failed at KSTREAM-[A-Z]+-\d+, in-0 offset 0: the key has half of a surrogate pair/,
      );
    }
  });

  test.each(HALVES)('%j is refused by stores', (half) => {
    const rows = createKeyValueStore({ name: 'rows', kind: 'key-value', serde: jsonSerde() }, openMemoryStore());
    const windows = createWindowStore(
      { name: 'windows', kind: 'window', serde: jsonSerde(), windowSizeMs: 1, retentionMs: 1 },
      openMemoryStore(),
    );
    for (const act of [
      () => rows.get(half),
      () => rows.put(half, 1),
      () => rows.delete(half),
      () => windows.get(half, 0),
      () => windows.put(half, 0, 1),
      () => windows.delete(half, 0),
    ])
      expect(act).toThrow(HALF);
    expect(rows.flush()).toEqual([]);
    expect(windows.flush()).toEqual([]);
  });

  test('stringSerde refuses what would not come back', () => {
    expect(() => stringSerde.serialize('a\ud83d')).toThrow(HALF);
    expect(() => stringSerde.deserialize(Buffer.from([200]))).toThrow('not UTF-8');
    expect(stringSerde.deserialize(stringSerde.serialize('😀\uFFFD'))).toBe('😀\uFFFD');
  });
});

describe('times that are none', () => {
  const BAD: readonly unknown[] = [
    NaN,
    Infinity,
    -Infinity,
    -1,
    -0.5,
    undefined,
    null,
    '5',
    new Date(5),
    5n,
    1e300,
    {},
  ];
  const GROUPS = [
    (source: KStream<string | null, number>) => source.groupBy(() => 'k', { name: 'g' }),
    (source: KStream<string | null, number>) => source.groupByKey({ name: 'g' }),
  ];

  function timed(bad: unknown, group: (typeof GROUPS)[number], deadLetterTopic?: string): TopologyTestDriver {
    const builder = new StreamsBuilder();
    const source = builder.stream('in', {
      decode: ({ value }) => Number(value),
      timestampMs: (value) => (value === 0 ? (bad as number) : value),
      ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    });
    const grouped = group(source);
    grouped.count({ store: 'totals' });
    grouped.windowedBy(tumbling({ sizeMs: 10, retentionMs: 100 })).count({ store: 'windows' });
    return new TopologyTestDriver(builder.build());
  }

  test.each(BAD.map((bad) => [typeof bad === 'bigint' ? '5n' : String(bad), bad] as const))(
    '%s is a dead letter, or dropped and counted',
    async (_name, bad) => {
      for (const group of GROUPS) {
        const letters = timed(bad, group, 'dead');
        await letters.pipe('in', { key: 'k', value: '0' }, { key: 'k', value: '5' });
        expect(reasonsOf(letters)).toEqual(['INVALID_TIMESTAMP']);
        expect(letters.store('totals')).toEqual(new Map([['k', 1]]));
        const drops = timed(bad, group);
        await drops.pipe('in', { key: 'k', value: '0' }, { key: 'k', value: '5' });
        expect(drops.dropped()).toEqual({ 'invalid-timestamp': 1 });
        expect(drops.store('totals')).toEqual(new Map([['k', 1]]));
        expect((await drops.entries('windows')).map(([, key]) => decodeWindowKey(key))).toEqual([
          { windowStartMs: 0, key: 'k' },
        ]);
      }
    },
  );

  test.each([-1, NaN])("the record's own %d likewise, and of a dead letter the wall clock", async (timestampMs) => {
    const driver = driverOf((source) => {
      source
        .groupBy(() => 'k', { name: 'g' })
        .windowedBy(tumbling({ sizeMs: 10, retentionMs: 100 }))
        .count({ store: 'c' });
      source
        .deadLetters()
        .groupBy(() => 'k', { name: 'l' })
        .windowedBy(tumbling({ sizeMs: 1_000, retentionMs: 1_000 }))
        .count({ store: 'letters' });
    }, 'dead');
    await driver.pipe('in', { value: 'v', timestampMs }, { value: 'v', timestampMs: 3 });
    expect(reasonsOf(driver)).toEqual(['INVALID_TIMESTAMP']);
    expect((await driver.entries('c')).map(([, key]) => decodeWindowKey(key).windowStartMs)).toEqual([0]);
    expect((await driver.entries('letters')).map(([, key]) => decodeWindowKey(key).windowStartMs)).toEqual([
      Date.UTC(2026, 0, 1),
    ]);
  });

  test('fractions of a millisecond are cut off, by both roads alike', async () => {
    for (const group of GROUPS) {
      const driver = timed(9.999, group);
      await driver.pipe('in', { key: 'k', value: '0' }, { key: 'k', value: '0.25' });
      expect(
        (await driver.entries('windows')).map(([, key, value]) => [decodeWindowKey(key).windowStartMs, String(value)]),
      ).toEqual([[0, '2']]);
    }
  });

  test(
    'just after 1970 a record lies in the hopping windows that begin there: none begins ' +
      'before, as in Kafka Streams',
    async () => {
      for (const group of GROUPS) {
        const builder = new StreamsBuilder();
        group(builder.stream('in', { decode: ({ value }) => Number(value), timestampMs: (value) => value }))
          .windowedBy(hopping({ sizeMs: 10, advanceMs: 5, retentionMs: 100 }))
          .count({ store: 'windows' });
        const driver = new TopologyTestDriver(builder.build());
        await driver.pipe('in', { key: 'k', value: '3' }, { key: 'k', value: '7' });
        expect(
          (await driver.entries('windows')).map(([, key, value]) => [
            decodeWindowKey(key).windowStartMs,
            String(value),
          ]),
        ).toEqual([
          [0, '2'],
          [5, '1'],
        ]);
      }
    },
  );

  test.each([NaN, Infinity, -1, null])('a processor that forwards at %s fails by its name', async (at) => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { decode: ({ value }) => String(value) })
      .process((context: ProcessorContext<string, string>) => (value) => {
        context.forward('k', value, { timestampMs: at as number });
      })
      .groupByKey({ name: 'g' })
      .count({ store: 'c' });
    await expect(new TopologyTestDriver(builder.build()).pipe('in', { value: 'v' })).rejects.toThrow(
      /^task 0_0 failed at KSTREAM-PROCESSOR-0000000001, in-0 offset 0: forward: the event time is/,
    );
  });

  test('a processor that forwards without a time forwards at that of its record', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', { value: stringSerde })
      .process((context: ProcessorContext<string, string>) => (value) => {
        context.forward('k', value);
        context.forward('k', value, { timestampMs: 3 });
      })
      .to('out', { value: stringSerde });
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: 'v', timestampMs: 7 }, { value: 'v', timestampMs: 5 });
    expect(driver.output('out').map(({ timestampMs }) => timestampMs)).toEqual([7, 3, 5, 3]);
  });
});
