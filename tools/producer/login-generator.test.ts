import { describe, expect, test } from '@jest/globals';
import { draftLogin, loginGenerator } from './login-generator.ts';
import { seededRandom } from './seeded-random.ts';

const EVENT_MS = Date.UTC(2024, 6, 10, 2, 0, 25, 999);
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

function generate(count: number, options: { seed: number; dirtyShare?: number }) {
  const next = loginGenerator(options);
  return Array.from({ length: count }, () => next(EVENT_MS));
}

test('the same seed gives the same records, another seed others', () => {
  const one = generate(200, { seed: 7, dirtyShare: 0.2 });
  expect(generate(200, { seed: 7, dirtyShare: 0.2 })).toEqual(one);
  expect(generate(200, { seed: 8, dirtyShare: 0.2 })).not.toEqual(one);
  // Beyond 32 bits too.
  expect(generate(1, { seed: 2 ** 40 + 7 })).not.toEqual(generate(1, { seed: 7 }));
});

describe('as the public generator writes them', () => {
  const records = generate(20_000, { seed: 1 });
  const texts = records.map(({ value }) => String(value));
  const logins = texts.map(
    (text) => JSON.parse(text) as { locale: string; device_type?: string; user_id: string; ip: string },
  );

  test('fields, their order and their spelling', () => {
    const pattern = new RegExp(
      `^\\{"user_id":"${UUID}","app_version":"2\\.3\\.0","ip":"\\d{1,3}(\\.\\d{1,3}){3}","locale":"[A-Z]{2}",` +
        `"device_id":"${UUID}","timestamp":1720576825(,"device_type":"(iOS|android)")?\\}$`,
    );
    for (const text of texts) expect(text).toMatch(pattern);
    for (const { ip } of logins) for (const part of ip.split('.')) expect(Number(part)).toBeLessThan(256);
  });

  test('keys are UUIDs, and no key and no user comes twice', () => {
    for (const { key } of records) expect(key).toMatch(new RegExp(`^${UUID}$`));
    expect(new Set(records.map(({ key }) => key)).size).toBe(records.length);
    expect(new Set(logins.map(({ user_id }) => user_id)).size).toBe(records.length);
  });

  test('fifty states evenly, no DC; one in twenty without device_type, the others evenly', () => {
    const share = (test: (login: (typeof logins)[number]) => boolean) => logins.filter(test).length / logins.length;
    const states = new Set(logins.map(({ locale }) => locale));
    expect(states.size).toBe(50);
    expect(states.has('DC')).toBe(false);
    for (const state of states) expect(share(({ locale }) => locale === state)).toBeCloseTo(0.02, 2);
    expect(share((login) => !('device_type' in login))).toBeCloseTo(0.05, 2);
    expect(Math.abs(share(({ device_type }) => device_type === 'iOS') - 0.475)).toBeLessThan(0.02);
  });

  test('none of them is dirty', () => expect(records.every(({ dirt }) => dirt === null)).toBe(true));
});

test('the text of a clean login is what JSON.stringify makes of its draft', () => {
  const random = seededRandom(3);
  const next = loginGenerator({ seed: 3 });
  for (let i = 0; i < 500; i++) {
    const { key, value } = next(EVENT_MS + i * 333);
    expect(random.uuid()).toBe(key);
    expect(JSON.stringify(draftLogin(random, EVENT_MS + i * 333))).toBe(String(value));
  }
});

test('as many dirty ones as asked for, of every kind', () => {
  const records = generate(20_000, { seed: 5, dirtyShare: 0.25 });
  const dirty = records.filter(({ dirt }) => dirt !== null);
  expect(Math.abs(dirty.length / records.length - 0.25)).toBeLessThan(0.02);
  const kinds = new Set(dirty.map(({ dirt }) => dirt));
  expect(kinds.size).toBeGreaterThan(70);
  expect(generate(100, { seed: 5, dirtyShare: 1 }).every(({ dirt }) => dirt !== null)).toBe(true);
});

test('random numbers are even, and in range', () => {
  const random = seededRandom(11);
  const dice = new Map<number, number>();
  for (let i = 0; i < 60_000; i++) {
    const face = random.below(6);
    dice.set(face, (dice.get(face) ?? 0) + 1);
  }
  expect([...dice.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  for (const count of dice.values()) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  expect(Array.from({ length: 1000 }, () => random.chance(0)).includes(true)).toBe(false);
  expect(Array.from({ length: 1000 }, () => random.chance(1)).includes(false)).toBe(false);
});
