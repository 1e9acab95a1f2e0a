import { describe, expect, test } from '@jest/globals';
import { DeadLetter } from '@tributary/streams';
import { invalidFields, type Login, missingFields } from './login.ts';
import { decodeLogin, decodeLoginCarefully } from './login-record.ts';

const NOW_MS = Date.parse('2024-11-23T21:00:00Z');
const KAFKA_MS = NOW_MS - 1234;

function decode(value: string | Uint8Array | null, timestampMs = KAFKA_MS): Login | DeadLetter {
  const record = {
    topic: 't',
    partition: 0,
    offset: 0,
    timestampMs,
    key: null,
    value: value === null ? null : Buffer.from(value as string),
    headers: {},
  };
  const answer = decodeLogin(record, NOW_MS);
  expect(decodeLoginCarefully(record, NOW_MS)).toEqual(answer);
  return answer;
}

function counted(value: string | object, timestampMs = KAFKA_MS) {
  const login = decode(typeof value === 'string' ? value : JSON.stringify(value), timestampMs);
  if (login instanceof DeadLetter) throw new Error(`dead-lettered: ${login.reason}`);
  return { ...login, missing: missingFields(login.flaws), invalid: invalidFields(login.flaws) };
}

const CLEAN = {
  user_id: 'u',
  app_version: '2.3.0',
  device_type: 'android',
  ip: '1.2.3.4',
  locale: 'RI',
  device_id: 'd',
  timestamp: 1_720_576_825,
};

test("the contract's own example is clean", () => {
  expect(
    decode(
      '{"user_id":"\u2026","app_version":"2.3.0","device_type":"android","ip":"1.2.3.4","locale":"RI",' +
        '"device_id":"\u2026","timestamp":1720576825}',
    ),
  ).toEqual({
    device: 'android',
    state: 'RI',
    eventTimeMs: 1_720_576_825_000,
    flaws: 0,
  });
});

describe('dead letters', () => {
  test.each([
    ['NO_VALUE', null],
    ['NOT_UTF8', new Uint8Array([0x7b, 0x7d, 0xff])],
    ['NOT_UTF8', new Uint8Array([0xed, 0xa0, 0x80])],
    ['NOT_UTF8', new Uint8Array([0xc0, 0x80])],
    ['NOT_JSON', ''],
    ['NOT_JSON', ' '],
    ['NOT_JSON', '\ufeff{}'],
    ['NOT_JSON', '{'],
    ['NOT_JSON', '{}{}'],
    ['NOT_JSON', '{"timestamp":NaN}'],
    ['NOT_OBJECT', '[]'],
    ['NOT_OBJECT', ' null '],
    ['NOT_OBJECT', '1'],
    ['NOT_OBJECT', 'true'],
    ['NOT_OBJECT', '"{}"'],
  ])('%s: %j', (reason, value) => {
    const answer = decode(value);
    expect(answer).toBeInstanceOf(DeadLetter);
    expect((answer as DeadLetter).reason).toBe(reason);
  });
});

test('an object without any field is counted, with everything missing', () => {
  const login = counted('{}');
  expect(login).toMatchObject({ device: 'other', state: null, eventTimeMs: KAFKA_MS, invalid: [] });
  expect(login.missing).toEqual(['user_id', 'app_version', 'device_type', 'ip', 'locale', 'device_id', 'timestamp']);
});

test.each(Object.keys(CLEAN))('%s: absent, null and blank are missing', (field) => {
  for (const value of [undefined, null, '', '   ', '\t\n', '\u00a0\u2003\ufeff\u2028']) {
    expect(counted({ ...CLEAN, [field]: value })).toMatchObject({ missing: [field], invalid: [] });
  }
});

test.each(['user_id', 'app_version', 'ip', 'device_id'])('%s: any other value will do', (field) => {
  for (const value of [0, false, true, {}, [], 'x', '\u0085'])
    expect(counted({ ...CLEAN, [field]: value }).flaws).toBe(0);
});

describe('device_type', () => {
  test.each([
    ['ios', 'ios'],
    ['iOS', 'ios'],
    [' IOS\n', 'ios'],
    ['Android', 'android'],
    ['\u00a0ANDROID\u00a0', 'android'],
    ['windows', 'other'],
    ['i os', 'other'],
    ['androids', 'other'],
    ['\u0131os', 'other'],
    ['ios\0', 'other'],
  ])('%j is %s', (device_type, device) =>
    expect(counted({ ...CLEAN, device_type })).toMatchObject({ device, flaws: 0 }),
  );

  test.each([[7], [true], [false], [['ios']], [{ ios: 1 }]])('%j is invalid', (device_type) => {
    expect(counted({ ...CLEAN, device_type })).toMatchObject({
      device: 'other',
      missing: [],
      invalid: ['device_type'],
    });
  });
});

describe('locale', () => {
  test.each([
    ['CA', 'CA'],
    [' ca', 'CA'],
    ['wY\t', 'WY'],
    ['Dc', 'DC'],
  ])('%j is %s', (locale, state) => expect(counted({ ...CLEAN, locale })).toMatchObject({ state, flaws: 0 }));

  test.each([
    ['PR'],
    ['RU'],
    ['C'],
    ['CAL'],
    ['C A'],
    ['California'],
    ['\ufb02'],
    ['m\u017f'],
    ['@A'],
    [6],
    [true],
    [['CA']],
    [{ code: 'CA' }],
  ])('%j is invalid', (locale) => {
    expect(counted({ ...CLEAN, locale })).toMatchObject({ state: null, missing: [], invalid: ['locale'] });
  });
});

describe('timestamp', () => {
  test.each([
    ['1720576825', 1_720_576_825_000],
    ['1720576825000', 1_720_576_825_000],
    ['1720576825.001', 1_720_576_825_001],
    ['1720576825123.999', 1_720_576_825_123],
    ['1.720576825e9', 1_720_576_825_000],
    ['" 1720576825 "', 1_720_576_825_000],
    ['"1720576825.0019"', 1_720_576_825_001],
    ['"\\u00a02024-07-10T02:00:25.5Z"', 1_720_576_825_500],
    ['"2024-07-10t02:00:25z"', 1_720_576_825_000],
    ['946684800', Date.UTC(2000, 0, 1)],
    [String(NOW_MS + 3_600_000), NOW_MS + 3_600_000],
  ])('%s stands', (timestamp, eventTimeMs) => {
    expect(
      counted(JSON.stringify({ ...CLEAN, timestamp: 0 }).replace('"timestamp":0', `"timestamp":${timestamp}`)),
    ).toMatchObject({ eventTimeMs, flaws: 0 });
  });

  test.each([
    ['-1'],
    ['-1720576825'],
    ['946684799'],
    ['"1999-12-31T23:59:59.999Z"'],
    [String(NOW_MS + 3_600_001)],
    ['4102444800'],
    ['1e400'],
    ['"soon"'],
    ['"1.7e9"'],
    ['true'],
    ['{}'],
    ['[1720576825]'],
  ])("%s is invalid, and the Kafka record's own stands in", (timestamp) => {
    const value = JSON.stringify({ ...CLEAN, timestamp: 0 }).replace('"timestamp":0', `"timestamp":${timestamp}`);
    expect(counted(value)).toMatchObject({ eventTimeMs: KAFKA_MS, missing: [], invalid: ['timestamp'] });
    for (const noBetter of [-1, 0, NaN, Date.UTC(2000, 0, 1) - 1, NOW_MS + 3_600_001]) {
      expect(counted(value, noBetter).eventTimeMs).toBe(NOW_MS);
    }
  });
});

describe('what JSON allows', () => {
  test('of a field given twice the last counts', () => {
    expect(counted('{"locale":"XX","locale":"CA"}')).toMatchObject({ state: 'CA', invalid: [] });
    expect(counted('{"locale":"CA","locale":null}').missing).toContain('locale');
  });

  test('escapes in keys and values', () => {
    expect(counted('{"local\\u0065":"\\u0043A","device_type":"\\t\\u0069OS"}')).toMatchObject({
      state: 'CA',
      device: 'ios',
    });
  });

  test('a field named __proto__ lends nothing to the record', () => {
    expect(counted('{"__proto__":{"locale":"CA","device_type":"ios"}}')).toMatchObject({
      state: null,
      device: 'other',
    });
    expect(counted('{"__proto__":{"locale":"CA"},"constructor":1,"locale":"NY"}')).toMatchObject({ state: 'NY' });
  });

  test('nesting a million deep is counted, or dead-lettered where it is cut off, and neither throws', () => {
    const deep = 1_000_000;
    expect(counted(`{"locale":"CA","x":${'['.repeat(deep)}${']'.repeat(deep)}}`)).toMatchObject({ state: 'CA' });
    expect(decode(`{"x":${'{"x":'.repeat(deep)}`)).toMatchObject({ reason: 'NOT_JSON' });
  });
});

test('a login tells nothing of who logged in, and messages nothing of the record', () => {
  const secret = 'canary-7f3a';
  expect(
    JSON.stringify(counted({ ...CLEAN, user_id: secret, ip: secret, device_id: secret, locale: secret })),
  ).not.toContain(secret);
  expect(JSON.stringify(decode(`{"user_id":"${secret}"`))).not.toContain(secret);
});
