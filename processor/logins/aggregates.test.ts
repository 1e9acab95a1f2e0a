import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CombinableAggregate } from '@tributary/streams';
import { dataQuality, type DataQualityCounts, type QualityFact, totalDeadLettered } from './data-quality.ts';
import { invalidFields, invalidFlaw, type Login, LOGIN_FIELDS, missingFields, missingFlaw } from './login.ts';
import { type LoginCounts, loginCounts, totalLogins } from './login-counts.ts';
import { DEAD_LETTER_REASONS } from './login-record.ts';

const flaws = fc.integer({ min: 0, max: 2 ** (2 * LOGIN_FIELDS.length) - 1 });
const login: fc.Arbitrary<Login> = fc.record({
  device: fc.constantFrom('ios', 'android', 'other'),
  state: fc.constantFrom('CA', 'NY', null),
  eventTimeMs: fc.integer({ min: 946_684_800_000, max: 4_102_444_800_000 }),
  flaws,
});
const fact: fc.Arbitrary<QualityFact> = fc.oneof(
  fc.record({ kind: fc.constant('flaws' as const), flaws }),
  fc.record({ kind: fc.constant('dead-letter' as const), reason: fc.constantFrom(...DEAD_LETTER_REASONS) }),
  fc.record({ kind: fc.constant('late' as const), logins: fc.nat() }),
);

const record = { key: 'CA', timestampMs: 0 };

/** Aggregates may change their first argument: each law gets values of its own. */
function laws<V, A>(name: string, aggregate: CombinableAggregate<V, A>, values: fc.Arbitrary<V>): void {
  const of = (list: readonly V[]) => list.reduce((acc, value) => aggregate.add(acc, value, record), aggregate.empty());
  const lists = fc.array(values, { maxLength: 12 });
  describe(name, () => {
    test('empty is neutral on both sides', () => {
      fc.assert(
        fc.property(lists, (a) => {
          expect(aggregate.merge(aggregate.empty(), of(a))).toEqual(of(a));
          expect(aggregate.merge(of(a), aggregate.empty())).toEqual(of(a));
        }),
      );
    });
    test('merge is associative', () => {
      fc.assert(
        fc.property(lists, lists, lists, (a, b, c) => {
          expect(aggregate.merge(aggregate.merge(of(a), of(b)), of(c))).toEqual(
            aggregate.merge(of(a), aggregate.merge(of(b), of(c))),
          );
        }),
      );
    });
    test('merge is commutative', () => {
      fc.assert(
        fc.property(lists, lists, (a, b) =>
          expect(aggregate.merge(of(a), of(b))).toEqual(aggregate.merge(of(b), of(a))),
        ),
      );
    });
    test('adding is merging one by one, in any grouping', () => {
      fc.assert(
        fc.property(lists, lists, (a, b) => {
          expect(aggregate.merge(of(a), of(b))).toEqual(of([...a, ...b]));
          expect(a.map((value) => of([value])).reduce(aggregate.merge, aggregate.empty())).toEqual(of(a));
        }),
      );
    });
    test('merge leaves its second argument alone, and empties share nothing', () => {
      fc.assert(
        fc.property(lists, lists, (a, b) => {
          const second = of(b);
          aggregate.merge(of(a), second);
          aggregate.merge(aggregate.empty(), second);
          const merged = aggregate.merge(aggregate.empty(), second);
          aggregate.merge(merged, of(a));
          expect(second).toEqual(of(b));
          expect(aggregate.empty()).toEqual(of([]));
        }),
      );
    });
    test('its bytes come back as the value, and equal values have equal bytes', () => {
      fc.assert(
        fc.property(lists, lists, (a, b) => {
          const one = aggregate.merge(of(a), of(b));
          const other = aggregate.merge(of(b), of(a));
          expect(aggregate.serde.deserialize(aggregate.serde.serialize(one))).toEqual(one);
          expect(aggregate.serde.serialize(one)).toEqual(aggregate.serde.serialize(other));
        }),
      );
    });
  });
}

laws('login counts', loginCounts, login);
laws('data quality', dataQuality, fact);

test('login counts: each login once, under its device type, with the newest time', () => {
  const add = (counts: LoginCounts, device: Login['device'], eventTimeMs: number) =>
    loginCounts.add(counts, { device, state: null, eventTimeMs, flaws: 0 }, record);
  let counts = loginCounts.empty();
  expect(counts).toEqual({ ios: 0, android: 0, other: 0, lastLoginAtMs: null });
  counts = add(add(add(add(counts, 'ios', 5000), 'android', 9000), 'other', 7000), 'ios', 1000);
  expect(counts).toEqual({ ios: 2, android: 1, other: 1, lastLoginAtMs: 9000 });
  expect(totalLogins(counts)).toBe(4);
  expect(loginCounts.serde.serialize(counts).toString()).toBe('{"ios":2,"android":1,"other":1,"lastLoginAtMs":9000}');
});

test('data quality: what was counted, as the API reads it', () => {
  const facts: QualityFact[] = [
    { kind: 'late', logins: 3 },
    { kind: 'dead-letter', reason: 'NOT_JSON' },
    { kind: 'dead-letter', reason: 'NOT_JSON' },
    { kind: 'dead-letter', reason: 'NO_VALUE' },
    { kind: 'flaws', flaws: missingFlaw(6) | invalidFlaw(4) },
    { kind: 'flaws', flaws: missingFlaw(2) | missingFlaw(6) },
    { kind: 'flaws', flaws: 0 },
  ];
  const counts = facts.reduce(
    (acc: DataQualityCounts, each) => dataQuality.add(acc, each, record),
    dataQuality.empty(),
  );
  expect(dataQuality.serde.serialize(counts).toString()).toBe(
    '{"missing":{"device_type":1,"timestamp":2},"invalid":{"locale":1},' +
      '"deadLettered":{"NOT_JSON":2,"NO_VALUE":1},"late":3}',
  );
  expect(totalDeadLettered(counts)).toBe(3);
});

test('each flaw has a bit of its own', () => {
  LOGIN_FIELDS.forEach((field, index) => {
    expect([missingFields(missingFlaw(index)), invalidFields(missingFlaw(index))]).toEqual([[field], []]);
    expect([missingFields(invalidFlaw(index)), invalidFields(invalidFlaw(index))]).toEqual([[], [field]]);
  });
});
