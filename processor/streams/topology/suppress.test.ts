import { describe, expect, test } from '@jest/globals';
import type { WindowStore } from '../store/typed-store.ts';
import { TopologyTestDriver } from '../testing/topology-test-driver.ts';
import type { KTable, KGroupedStream } from './dsl-types.ts';
import { jsonSerde, stringSerde } from './serdes.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { untilTimeLimit, untilWindowCloses } from './suppressed.ts';
import type { Windowed } from './windowed-serdes.ts';
import { session, sliding, tumbling, type TimeWindows } from './windows.ts';

/*
 * A row that is held has what it had when it was handed on, whatever has become of it since. Each expectation is what
 * Kafka Streams 4.4 tells of the same records.
 */

const text = { value: stringSerde };

/** `in a=x@1`: to the topic `in`, key a, value x, at time 1; `~` is null. Answers all that is told. */
async function told(driver: TopologyTestDriver, steps: readonly string[]): Promise<string[]> {
  for (const step of steps) {
    const [, topic, key, value, time] = /^(\w+) (\w+)=(\S+)@(\d+)$/u.exec(step) as unknown as string[];
    await driver.pipe(topic as string, {
      key: key as string,
      value: value === '~' ? null : (value as string),
      timestampMs: Number(time),
    });
  }
  return driver
    .output('out')
    .map(({ key, value, timestampMs }) => `${String(key)}=${String(value)}@${String(timestampMs)}`);
}

const inWindow = (_value: unknown, { key, startMs, endMs }: Windowed<string>): string =>
  `${key}[${String(startMs)},${String(endMs)}]`;

describe('a windowed table whose rows are gone when they are due: suppress(untilTimeLimit())', () => {
  type Counted = (grouped: KGroupedStream<string, string>) => KTable<Windowed<string>, number>;
  const KINDS: readonly (readonly [string, Counted, string])[] = [
    ['tumbling', (g) => g.windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ store: 'counts' }), 'a[0,10]=1@1'],
    ['sessions', (g) => g.windowedBy(session({ gapMs: 10, graceMs: 0 })).count({ store: 'counts' }), 'a[1,1]=1@1'],
    [
      'sliding',
      (g) => g.windowedBy(sliding({ differenceMs: 10, graceMs: 0 })).count({ store: 'counts' }),
      'a[0,10]=1@1',
    ],
  ];
  test.each(KINDS)('%s: the value as it was handed on, not a deletion', async (_kind, counted, expected) => {
    const builder = new StreamsBuilder();
    counted(builder.stream('in', text).groupByKey())
      .suppress(untilTimeLimit(100))
      .toStream(inWindow)
      .to('out', { value: jsonSerde() });
    const driver = new TopologyTestDriver(builder.build());
    expect(await told(driver, ['in a=v@1', 'in b=v@50', 'in b=v@101'])).toEqual([expected]);
  });
});

/** What no serde but its own could keep. */
class Pair {
  readonly #sides: readonly number[];

  constructor(...sides: readonly number[]) {
    this.#sides = sides;
  }

  text(): string {
    return this.#sides.join(',');
  }
}

describe('a join of windowed tables: suppress(untilWindowCloses())', () => {
  const closing = (
    left: TimeWindows,
    right: TimeWindows,
    isOfOneTopic: boolean,
    value: boolean,
  ): TopologyTestDriver => {
    const builder = new StreamsBuilder();
    const one = isOfOneTopic ? builder.stream('in', text) : undefined;
    const of = (name: string, windows: TimeWindows): KTable<Windowed<string>, number> =>
      (one?.filter((which) => which === name) ?? builder.stream(name, text))
        .groupByKey()
        .windowedBy(windows)
        .count({ store: `${name}-counts` });
    of('x', left)
      .join(of('y', right), (a, b) => new Pair(a, b))
      .mapValues((pair) => pair.text())
      .suppress(untilWindowCloses(), { store: 'held', ...(value ? text : {}) })
      .toStream(inWindow)
      .to('out', text);
    return new TopologyTestDriver(builder.build());
  };
  test.each([
    ['without a serde', false],
    ['with one', true],
  ])('one side is told by its own time that windows have closed, then the other, %s', async (_how, value) => {
    const windows = tumbling({ sizeMs: 10, graceMs: 0 });
    const driver = closing(windows, windows, true, value);
    expect(await told(driver, ['in a=x@1', 'in a=y@1', 'in a=x@1000'])).toEqual([]);
    expect(await told(driver, ['in a=y@1000'])).toEqual(['a[0,10]=1,1@1']);
    expect(driver.dropped()).toEqual({});
  });

  test.each([
    ['without a serde', false],
    ['with one', true],
  ])('the windows of one side close before those of the other, %s', async (_how, value) => {
    const driver = closing(tumbling({ sizeMs: 10, graceMs: 0 }), tumbling({ sizeMs: 10, graceMs: 100 }), false, value);
    const steps = ['x a=v@1', 'y a=v@1', 'x a=v@2', 'x a=v@50', 'y a=v@3', 'y a=v@50', 'y a=v@200', 'x a=v@200'];
    expect(await told(driver, [...steps, 'y a=v@201'])).toEqual(['a[0,10]=2,1@2', 'a[50,60]=1,1@50']);
    expect(driver.dropped()).toEqual({});
  });
});

test('a grouping behind it takes back what was handed on last, not what was held only', async () => {
  const builder = new StreamsBuilder();
  builder
    .table('in', text)
    .suppress(untilTimeLimit(10), { store: 'held' })
    .groupBy((value) => ({ key: 'all', value }), { name: 'g', value: stringSerde })
    .reduce(
      { add: (sum, value) => `${sum}+${value}`, subtract: (sum, value) => `${sum}-${value}` },
      { store: 'sums', value: stringSerde },
    )
    .toStream()
    .to('out', text);
  const driver = new TopologyTestDriver(builder.build());
  expect(await told(driver, ['in a=10@0', 'in x=~@10'])).toEqual(['all=10@0']);
  expect(await told(driver, ['in a=6@20', 'in a=8@25', 'in x=~@30'])).toEqual(['all=10-10+8@25']);
});

describe('a mapper that fails in front of suppress() takes one update with it', () => {
  const skipping = (build: (builder: StreamsBuilder) => void): TopologyTestDriver => {
    const builder = new StreamsBuilder();
    build(builder);
    return new TopologyTestDriver(builder.build(), { onProcessingError: () => 'skip' });
  };
  const unlessBad = <V>(value: V): V => {
    if (String(value) === 'bad') throw new Error('a bad value');
    return value;
  };

  /** The newest value of each window, mapped, until it closes. */
  const mapped = (map: (value: string, key: Windowed<string | null>) => string): TopologyTestDriver =>
    skipping((builder) =>
      builder
        .stream('in', text)
        .groupByKey()
        .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
        .reduce((_before, value) => value, { store: 'newest', value: stringSerde })
        .mapValues(map)
        .suppress(untilWindowCloses())
        .toStream(inWindow)
        .to('out', text),
    );

  test('until a time limit: the value before it is told, and the one behind it', async () => {
    const driver = skipping((builder) =>
      builder
        .table('in', text)
        .mapValues(unlessBad)
        .suppress(untilTimeLimit(10), { store: 'held', value: stringSerde })
        .toStream()
        .to('out', text),
    );
    expect(await told(driver, ['in a=1@1', 'in a=bad@2'])).toEqual([]);
    expect(driver.dropped()).toEqual({ 'processing-error': 1 });
    expect(await told(driver, ['in b=1@20', 'in b=1@40'])).toEqual(['a=1@1', 'b=1@40']);
    expect(driver.dropped()).toEqual({ 'processing-error': 1 });
    // The row before it cannot be made, which is another failure.
    expect(await told(driver, ['in a=2@41', 'in b=2@60'])).toEqual(['a=2@41']);
  });

  test('until windows close: the value before it is told', async () => {
    const driver = mapped(unlessBad);
    expect(await told(driver, ['in a=1@1', 'in a=bad@2', 'in b=1@20', 'in b=1@40'])).toEqual([
      'a[0,10]=1@1',
      'b[20,30]=1@20',
    ]);
    expect(driver.dropped()).toEqual({ 'processing-error': 1 });
  });

  test('a mapper that fails only when its row is due is let pass once, and holds up nobody', async () => {
    let fails = false;
    const driver = mapped((value, { key }) => (fails && key === 'a' ? unlessBad('bad') : value));
    expect(await told(driver, ['in a=1@1', 'in b=2@2'])).toEqual([]);
    fails = true;
    expect(await told(driver, ['in c=1@20'])).toEqual(['b[0,10]=2@2']);
    expect(await told(driver, ['in c=1@40'])).toEqual(['c[20,30]=1@20']);
    expect(driver.dropped()).toEqual({ 'processing-error': 1 });
  });
});

test('on close: a row that a processor has deleted is not told, but counted', async () => {
  const builder = new StreamsBuilder();
  const input = builder.stream('in', text);
  input
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }), { emit: 'on-close' })
    .count({ store: 'counts' })
    .toStream(inWindow)
    .to('out', { value: jsonSerde() });
  builder.stream('deletions', text).process<never, never>(
    (context) => (_value, key) => {
      (context.store('counts') as WindowStore<string, number>).delete(key ?? '', 0);
    },
    { stores: ['counts'] },
  );
  const driver = new TopologyTestDriver(builder.build());
  const steps = ['in a=v@1', 'in b=v@2', 'deletions a=now@3', 'in c=v@20', 'deletions c=now@20'];
  expect(await told(driver, steps)).toEqual(['b[0,10]=1@2']);
  expect(driver.dropped()).toEqual({ late: 1 });
});
