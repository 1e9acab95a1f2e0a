import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StreamsBuilder, TopologyTestDriver } from '../index.ts';
import { jsonSerde, knownOf, stringSerde, type Serde } from './serdes.ts';

const serde = jsonSerde<unknown>();

test.each<[string, unknown]>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a part that is NaN', { windowStartMs: 0, value: [1, { sum: Number.NaN }] }],
  ['a Map', new Map([['a', 1]])],
  ['a Set within', { seen: new Set([1]) }],
  ['an invalid date', { at: new Date(Number.NaN) }],
  ['undefined', undefined],
  ['a function', () => 1],
])('what JSON would write as something else is refused: %s', (_, value) => {
  expect(() => serde.serialize(value)).toThrow(/^JSON has no /);
});

test.each<[string, unknown]>([
  ['a number', 5],
  ['null', null],
  ['an object', {}],
])('what is no text is refused where text is written, by what it is: %s', (named, value) => {
  expect(() => (stringSerde as Serde<unknown>).serialize(value)).toThrow(
    `stringSerde writes text, not ${named}: give the value a serde of its own`,
  );
});

test('every JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // -0 is 0 in JSON, and equal to it.
      expect(JSON.stringify(serde.deserialize(serde.serialize(value)))).toBe(JSON.stringify(value));
    }),
  );
  expect(serde.deserialize(serde.serialize({ none: null, empty: {}, list: [null] }))).toEqual({
    none: null,
    empty: {},
    list: [null],
  });
});

test('a number is read as JSON.parse reads it, and what it does not read is refused', () => {
  const read = (parse: (bytes: Buffer) => unknown) => (text: string) => {
    try {
      return parse(Buffer.from(text));
    } catch (error) {
      return (error as Error).name;
    }
  };
  const [own, other] = [read(serde.deserialize), read((bytes) => JSON.parse(bytes.toString()))];
  for (const text of ['0', '7', '00', '01', '-0', '-7', '1e3', '1.5', ' 1', '1 ', '', '+1', '1a', '٣', '1'.repeat(400)])
    expect([text, own(text)]).toEqual([text, other(text)]);
  fc.assert(
    fc.property(fc.oneof(fc.nat(), fc.maxSafeNat(), fc.stringMatching(/^[0-9]{0,20}$/), fc.double()), (number) => {
      expect(own(String(number))).toEqual(other(String(number)));
    }),
  );
});

test('a sum that is no number any more ends the task with the place, and does not begin anew', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { decode: ({ value }) => Number(value) })
    .groupByKey({ name: 'k' })
    .aggregate(
      {
        empty: () => 0,
        add: (sum: number, value: number) => sum + value,
        merge: (a: number, b: number) => a + b,
        serde: jsonSerde<number>(),
      },
      { store: 'sums' },
    );
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'a', value: '1' });
  await expect(driver.pipe('in', { key: 'a', value: 'x' })).rejects.toThrow(/JSON has no NaN/);
});

test('a serde of the runtime that was given another method is read and written by that', async () => {
  const revived = jsonSerde<{ at: string }>();
  revived.deserialize = (bytes) => ({ at: `revived ${bytes.toString()}` });
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: revived })
    .mapValues(({ at }) => at)
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'a', value: '1' });
  expect(driver.output('out').map(({ value }) => String(value))).toEqual(['revived 1']);
  expect(knownOf(jsonSerde())).toMatchObject({ hasNewBytes: true });
  expect(knownOf(revived)).toEqual({});
});

test('half of a surrogate pair is refused, and what is known of a serde is what it does', () => {
  const half = 'a\ud800';
  expect(() => stringSerde.serialize(half)).toThrow('half of a surrogate pair');
  const textOf = (of: Parameters<typeof knownOf>[0]) => knownOf(of).textOf as (value: unknown) => string;
  expect(() => textOf(stringSerde)(half)).toThrow('half of a surrogate pair');
  expect(() => textOf(stringSerde)(5)).toThrow('stringSerde writes text, not a number');
  for (const value of [Number.NaN, { at: [Number.NaN] }, new Map(), undefined])
    expect(() => textOf(jsonSerde())(value)).toThrow(/^JSON has no /);
  expect(textOf(jsonSerde())({ none: null, é: {} })).toBe('{"none":null,"é":{}}');
});
