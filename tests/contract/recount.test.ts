import { expect, test } from '@jest/globals';
import { expectedData, type RawRecord, readRecord, recount } from '../support/recount.ts';

const NOW_MS = Date.parse('2024-11-23T21:00:00Z');
const KAFKA_MS = NOW_MS - 500;
const raw = (value: string | null): RawRecord => ({
  value: value === null ? null : Buffer.from(value),
  timestampMs: KAFKA_MS,
});
const login = (fields: object): RawRecord =>
  raw(
    JSON.stringify({
      user_id: 'u',
      app_version: '1',
      ip: 'i',
      device_id: 'd',
      device_type: 'iOS',
      locale: 'CA',
      timestamp: 1_720_576_825,
      ...fields,
    }),
  );

test('a handful of records, counted by hand', () => {
  const result = recount(
    [
      login({}),
      login({ device_type: ' ANDROID' }),
      login({ locale: 'ny', timestamp: '1720576861' }),
      login({ locale: 'ny', timestamp: '2024-07-10T03:59:59.9999+01:00' }),
      login({ locale: 'RU', device_type: undefined }),
      login({ locale: 7, device_type: 7, timestamp: 7, ip: ' ' }),
      raw(null),
      raw('nonsense'),
      raw(''),
      raw('[]'),
    ],
    NOW_MS,
  );
  const first = 1_720_576_800_000;
  const last = Date.parse('2024-07-10T02:59:00Z');
  const now = Date.parse('2024-11-23T20:59:00Z');
  const devices = (ios: number, android: number, other: number) => ({ ios, android, other });
  expect(result).toEqual({
    consumed: 10,
    counted: 6,
    deadLettered: 4,
    deadLetters: { NO_VALUE: 1, NOT_JSON: 2, NOT_OBJECT: 1 },
    missing: { device_type: 1, ip: 1 },
    invalid: { locale: 2, device_type: 1, timestamp: 1 },
    totals: devices(3, 1, 2),
    states: new Map([
      ['CA', { ...devices(1, 1, 0), lastLoginAtMs: 1_720_576_825_000 }],
      ['NY', { ...devices(2, 0, 0), lastLoginAtMs: last + 59_999 }],
      ['UNATTRIBUTED', { ...devices(0, 0, 2), lastLoginAtMs: KAFKA_MS }],
    ]),
    minutes: new Map([
      [
        first,
        new Map([
          ['CA', devices(1, 1, 0)],
          ['UNATTRIBUTED', devices(0, 0, 1)],
        ]),
      ],
      [first + 60_000, new Map([['NY', devices(1, 0, 0)]])],
      [last, new Map([['NY', devices(1, 0, 0)]])],
      [now, new Map([['UNATTRIBUTED', devices(0, 0, 1)]])],
    ]),
    hours: new Map([
      [
        Date.parse('2024-07-10T02:00:00Z'),
        new Map([
          ['CA', devices(1, 1, 0)],
          ['UNATTRIBUTED', devices(0, 0, 1)],
          ['NY', devices(2, 0, 0)],
        ]),
      ],
      [Date.parse('2024-11-23T20:00:00Z'), new Map([['UNATTRIBUTED', devices(0, 0, 1)]])],
    ]),
    newestLoginAtMs: KAFKA_MS,
  });
  expect(expectedData(result)).toEqual({
    CA: { gdp: 'high', ios: 1, android: 1, others: 0, total: 2 },
    NY: { gdp: 'high', ios: 2, android: 0, others: 0, total: 2 },
  });
});

test('no records', () => {
  const result = recount([], NOW_MS);
  expect(result).toMatchObject({ consumed: 0, counted: 0, deadLettered: 0, newestLoginAtMs: null });
  expect(expectedData(result)).toEqual({});
});

test('GDP classes, where they part', () => {
  const data = expectedData(
    recount(
      ['MI', 'KS', 'NE', 'AZ'].map((locale) => login({ locale })),
      NOW_MS,
    ),
  );
  expect(Object.entries(data).map(([code, { gdp }]) => `${code} ${gdp}`)).toEqual([
    'AZ medium',
    'KS medium',
    'MI high',
    'NE low',
  ]);
});

test('a Kafka timestamp that is no better gives way to the clock', () => {
  for (const timestampMs of [-1, 0, NOW_MS + 3_600_001]) {
    expect(readRecord({ value: Buffer.from('{}'), timestampMs }, NOW_MS)).toMatchObject({ eventTimeMs: NOW_MS });
  }
});
