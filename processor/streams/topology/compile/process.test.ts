import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts';
import type { ProcessorContext } from '../processor-context.ts';
import { jsonSerde, stringSerde } from '../serdes.ts';
import { StreamsBuilder } from '../streams-builder.ts';

const texts = { value: stringSerde };
const outputs = (driver: TopologyTestDriver, topic = 'out'): unknown[] =>
  driver
    .output(topic)
    .map(({ key, value, timestampMs }) => [key?.toString() ?? null, value?.toString() ?? null, timestampMs]);

describe('process', () => {
  test('a function of a context; forward takes the time and headers of the record, or others', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .process((context: ProcessorContext<string, string>) => (value, key, record) => {
        context.forward(`${String(key)}1`, value);
        context.forward('2', `${value}@${String(record.timestampMs)}`, {
          timestampMs: 7,
          headers: { h: Buffer.from('new') },
        });
      })
      .to('out', texts);
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'v', timestampMs: 5, headers: { h: Buffer.from('old') } });
    const written = driver.output('out');
    expect(
      written.map(({ key, value, timestampMs, headers }) => [
        String(key),
        String(value),
        timestampMs,
        String(headers['h']),
      ]),
    ).toEqual([
      ['k1', 'v', 5, 'old'],
      ['2', 'v@5', 7, 'new'],
    ]);
  });

  test('the supplier runs once a task', async () => {
    let supplied = 0;
    const builder = new StreamsBuilder();
    builder.stream('in', texts).process((context: ProcessorContext<never, never>) => {
      supplied += 1;
      return () => void context.taskId;
    });
    const driver = new TopologyTestDriver(builder.build(), { partitions: { in: 3 } });
    await driver.pipe('in', { value: 'a' }, { value: 'b' });
    expect(supplied).toBe(3);
  });

  test('forward to one of those behind it, by name; another name is an error that lists them', async () => {
    const builder = new StreamsBuilder();
    const split = builder
      .stream('in', texts)
      .process((context: ProcessorContext<string, string>) => (value) => context.forward('k', value, { to: value }));
    for (const name of ['left', 'right'])
      split
        .process((context: ProcessorContext<string, string>) => (value) => context.forward(name, value), { name })
        .to(name, texts);
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: 'left', timestampMs: 1 }, { value: 'right', timestampMs: 2 });
    expect(outputs(driver, 'left')).toEqual([['left', 'left', 1]]);
    expect(outputs(driver, 'right')).toEqual([['right', 'right', 2]]);
    await expect(driver.pipe('in', { value: 'middle' })).rejects.toMatchObject({
      code: 'USER_CODE_FAILED',
      message: expect.stringContaining('no processor behind it is named "middle", only left, right') as unknown,
    });
  });

  test('processValues keeps the key, so that nothing is repartitioned', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .processValues<string>((context) => (value) => context.forward(value.toUpperCase()))
      .groupByKey()
      .reduce((a, b) => a + b, { store: 'joined', value: stringSerde });
    const topology = builder.build();
    expect(topology.subTopologies).toHaveLength(1);
    const driver = new TopologyTestDriver(topology);
    await driver.pipe('in', { key: 'k', value: 'a' }, { key: 'k', value: 'b' });
    expect(driver.rows('joined')).toEqual([{ key: 'k', value: 'AB' }]);
  });

  test('a store that two processors share', async () => {
    const builder = new StreamsBuilder();
    builder.addStore({ name: 'shared', kind: 'key-value', serde: jsonSerde<number>() });
    const stream = builder.stream('in', texts);
    for (const step of [1, 10])
      stream.process(
        (context: ProcessorContext<never, never>) => {
          const rows = context.keyValueStore<number>('shared');
          return (_value, key) => rows.put(String(key), (rows.get(String(key)) ?? 0) + step);
        },
        { stores: ['shared'] },
      );
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { key: 'k', value: 'a' });
    expect(driver.rows('shared')).toEqual([{ key: 'k', value: 11 }]);
  });

  test('an added store that nobody uses, or that is declared again, is refused', () => {
    const unused = new StreamsBuilder();
    unused.stream('in', texts).peek(() => undefined);
    unused.addStore({ name: 'rows', kind: 'key-value', serde: stringSerde });
    expect(() => unused.build()).toThrow('"rows" of addStore() is used by no processor');
    const twice = new StreamsBuilder();
    twice.addStore({ name: 'rows', kind: 'key-value', serde: stringSerde });
    twice.stream('in', texts).groupByKey().count({ store: 'rows' });
    expect(() => twice.build()).toThrow('"rows" is declared twice');
  });
});

describe('punctuators', () => {
  const counting = (clock: 'stream-time' | 'wall-clock', everyMs = 10): StreamsBuilder => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .process(
        (context: ProcessorContext<string, string>) => {
          const rows = context.keyValueStore<string>('seen');
          context.schedule({ everyMs, clock }, (timestampMs) => {
            context.forward(
              'at',
              `${String(timestampMs)} ${rows.get('last') ?? ''} ${String(context.record().offset)}`,
            );
            rows.put('told', String(timestampMs));
          });
          return (value) => rows.put('last', value);
        },
        { stores: [{ name: 'seen', kind: 'key-value', serde: stringSerde }] },
      )
      .to('out', texts);
    return builder;
  };

  test('by stream time: after the record that moves it; what they write is committed with it', async () => {
    const driver = new TopologyTestDriver(counting('stream-time').build());
    for (const [value, timestampMs] of [
      ['a', 42],
      ['b', 42],
      ['c', 51],
      ['d', 40],
      ['e', 61],
    ] as const)
      await driver.pipe('in', { value, timestampMs });
    expect(outputs(driver)).toEqual([
      ['at', '42 a -1', 42],
      ['at', '51 c -1', 51],
      ['at', '61 e -1', 61],
    ]);
    expect(driver.rows('seen')).toContainEqual({ key: 'told', value: '61' });
  });

  /** As Kafka Streams 4.4.0: PunctuationQueue.maybePunctuate goes on until nothing is due. */
  test('by stream time: one that a punctuation schedules is called with it', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .process((context: ProcessorContext<string, string>) => {
        const tell = (name: string) => (timestampMs: number) => context.forward(name, String(timestampMs));
        return (value) => {
          if (value !== 'n') return;
          context.schedule({ everyMs: 10, clock: 'stream-time' }, (timestampMs) => {
            tell('r')(timestampMs);
            context.schedule({ everyMs: 1_000, clock: 'stream-time' }, tell('z'));
          });
        };
      })
      .to('out', texts);
    const driver = new TopologyTestDriver(builder.build());
    await driver.pipe('in', { value: 'n', timestampMs: 51 });
    expect(outputs(driver)).toEqual([
      ['r', '51', 51],
      ['z', '51', 51],
    ]);
    await driver.pipe('in', { value: 'a', timestampMs: 52 });
    expect(outputs(driver)).toEqual([]);
  });

  test('by the wall clock: from when they were scheduled', async () => {
    const driver = new TopologyTestDriver(counting('wall-clock').build(), { nowMs: () => 1_000 });
    await driver.advanceWallClock(9);
    expect(outputs(driver)).toEqual([]);
    await driver.advanceWallClock(1);
    await driver.advanceWallClock(35);
    await driver.pipe('in', { value: 'a' });
    await driver.advanceWallClock(5);
    expect(outputs(driver)).toEqual([
      ['at', '1010  -1', 1010],
      ['at', '1045  -1', 1045],
      ['at', '1050 a -1', 1050],
    ]);
    expect(driver.rows('seen')).toContainEqual({ key: 'told', value: '1050' });
  });

  test('one that throws undoes what it wrote, names the node, and is scheduled anew', async () => {
    let fails = true;
    const builder = new StreamsBuilder();
    builder.stream('in', texts).process(
      (context: ProcessorContext<never, never>) => {
        const rows = context.keyValueStore<string>('seen');
        context.schedule({ everyMs: 10, clock: 'wall-clock' }, (timestampMs) => {
          rows.put('told', String(timestampMs));
          if (fails) throw new Error('not now');
        });
        return () => undefined;
      },
      { stores: [{ name: 'seen', kind: 'key-value', serde: stringSerde }] },
    );
    const driver = new TopologyTestDriver(builder.build(), { nowMs: () => 0 });
    await expect(driver.advanceWallClock(10)).rejects.toMatchObject({
      code: 'USER_CODE_FAILED',
      message: expect.stringMatching(/KSTREAM-PROCESSOR-.*at a punctuation: not now/) as unknown,
    });
    expect(driver.rows('seen')).toEqual([]);
    fails = false;
    await driver.advanceWallClock(9);
    expect(driver.rows('seen')).toEqual([]);
    await driver.advanceWallClock(1);
    expect(driver.rows('seen')).toEqual([{ key: 'told', value: '20' }]);
  });
});
