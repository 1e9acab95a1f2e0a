import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { invalidFields, LOGIN_FIELDS, missingFields } from '../../processor/logins/login.ts';
import { decodeLogin, decodeLoginCarefully } from '../../processor/logins/login-record.ts';
import { type ConsumerRecord, DeadLetter, type Decoder } from '@tributary/streams';
import type { Login } from '../../processor/logins/login.ts';
import { loginGenerator } from '../../tools/producer/login-generator.ts';
import { seededRandom, type SeededRandom } from '../../tools/producer/seeded-random.ts';
import { type Reading, readRecord } from '../support/recount.ts';

/** How many generated records: `LOGIN_RECORDS=10000000` for the long run. `LOGIN_SEED` repeats one. */
const RECORDS = Number(process.env['LOGIN_RECORDS'] ?? 200_000);
const SEED = Number(process.env['LOGIN_SEED'] ?? 20_241_123);
const NOW_MS = Date.parse('2024-11-23T21:00:00Z');

function record(value: Buffer | null, timestampMs: number): ConsumerRecord {
  return { topic: 'user-login', partition: 0, offset: 0, timestampMs, key: null, value, headers: {} };
}

/** The decoder's answer in the recount's words. */
function read(decode: Decoder<Login>, value: Buffer | null, timestampMs: number): Reading {
  const answer = decode(record(value, timestampMs), NOW_MS);
  if (answer instanceof DeadLetter) return { deadLetter: answer.reason };
  const { device, state, eventTimeMs, flaws } = answer;
  return {
    deadLetter: null,
    device,
    state: state ?? 'UNATTRIBUTED',
    eventTimeMs,
    missing: [...missingFields(flaws)],
    invalid: [...invalidFields(flaws)],
  };
}

/**
 * What all three made of it. Compared as text: `toEqual` on every record would take most of the test's time.
 * @throws when they differ.
 */
function agreed(value: Buffer | null, timestampMs: number): Reading {
  const fast = JSON.stringify(read(decodeLogin, value, timestampMs));
  const careful = JSON.stringify(read(decodeLoginCarefully, value, timestampMs));
  const reading = readRecord({ value, timestampMs }, NOW_MS);
  const recounted = JSON.stringify(reading);
  if (fast === careful && careful === recounted) return reading;
  throw new Error(
    `${value?.toString('hex')} (${value?.toString('latin1')}) at ${timestampMs}\n  scanned:   ${fast}\n  ` +
      `careful:   ${careful}\n  recounted: ${recounted}`,
  );
}

/**
 * What breaks parsers: structure, escapes, digits, the edges of ASCII and of UTF-8's lengths, white space of all sorts.
 */
const BYTES = [...'"\\{}[]:,.-+eE0129azAZ/ \t\n\r']
  .map((c) => c.charCodeAt(0))
  .concat([0, 0x0b, 0x1f, 0x7e, 0x7f, 0x80, 0xa0, 0xbf, 0xc2, 0xe2, 0xed, 0xef, 0xf0, 0xff]);

function mutate(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const byte = Buffer.from([random.chance(0.8) ? random.pick(BYTES) : random.below(256)]);
  const upTo = Math.min(bytes.length, at + 1 + random.below(random.chance(0.9) ? 3 : 80));
  switch (random.below(6)) {
    case 0: // insert
      return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at)]);
    case 1: // cut out
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(upTo)]);
    case 2: // repeat
      return Buffer.concat([bytes.subarray(0, upTo), bytes.subarray(at)]);
    case 3: // cut short
      return random.chance(0.2) ? bytes.subarray(0, at) : bytes;
    default: // change
      return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(Math.min(bytes.length, at + 1))]);
  }
}

const KEYS = [
  ...LOGIN_FIELDS,
  ...LOGIN_FIELDS,
  ...LOGIN_FIELDS,
  'Locale',
  'local',
  'localee',
  '',
  '__proto__',
  'constructor',
  'länge',
];
const TOKENS = [
  ...[
    'null',
    'true',
    'false',
    'nul',
    'True',
    '{}',
    '[]',
    '[1,"a"]',
    '{"locale":"CA"}',
    '""',
    '" "',
    '"  "',
    '"\\t"',
    '"\u00a0"',
    '"\u0085"',
    '"\ufeff"',
  ],
  ...[
    '"CA"',
    '"ca"',
    '" Ny "',
    '"dc"',
    '"C A"',
    '"CAL"',
    '"C"',
    '"@["',
    '"\ufb02"',
    '"\u017fd"',
    '"\\u0043A"',
    '"PR"',
    '"ios"',
    '" IOS"',
    '"Android "',
    '"\u0131os"',
    '"\u0130OS"',
    '"iosx"',
    '"anDroid"',
    '"web"',
  ],
  ...[
    '0',
    '-0',
    '-1',
    '00',
    '01',
    '1.',
    '.5',
    '1e3',
    '1.5E+9',
    '1e400',
    '-',
    '+1',
    '1720576825',
    '1720576825.001',
    '1720576825.0019999',
    '1720576825123',
    '1720576825123.9',
    '1720576825.00000000000000000001',
  ],
  ...[
    '946684799.999',
    '946684800',
    '946684799999',
    '946684800000',
    '99999999999',
    '99999999999.9',
    '100000000000',
    '1732399200',
    '1732399200.001',
    '1732399201',
    '1732399200000',
    '1732399200001',
    '9007199254740993',
    '12345678901234567890',
  ],
  ...[
    '"1720576825"',
    '" 1720576825.0009 "',
    '"1720576825,5"',
    '"1.72e9"',
    '"+1720576825"',
    '"-1720576825"',
    '"0x10"',
    '"1720576825."',
    '"١٧٢٠٥٧٦٨٢٥"',
    '"0001720576825"',
    '"1720576825 1"',
    '"Infinity"',
  ],
  ...[
    '"2024-07-10T02:00:25Z"',
    '"2024-07-10t02:00:25z"',
    '"2024-07-10T02:00:25.1239999+05:30"',
    '"2024-07-10 02:00:25Z"',
    '"2024-07-10T02:00:25"',
    '"2024-07-10T24:00:00Z"',
    '"2024-02-29T00:00:00Z"',
    '"2023-02-29T00:00:00Z"',
    '"2024-13-01T00:00:00Z"',
  ],
  ...[
    '"2016-12-31T23:59:60Z"',
    '"2016-12-31T23:59:60.999Z"',
    '"2015-07-01T05:29:60+05:30"',
    '"2016-12-30T23:59:60Z"',
    '"2024-07-10T02:00:60Z"',
    '"2024-07-10T02:00:61Z"',
    '"2024-07-10T02:00:25-24:00"',
    '"2024-07-10T02:00:25+23:60"',
    '"2024-07-10T02:00:25-00:00"',
  ],
  ...[
    '"1999-12-31T23:59:59.9999Z"',
    '"2000-01-01T00:00:00Z"',
    '"2000-01-01T00:00:00+00:01"',
    '"2024-11-23T22:00:00Z"',
    '"2024-11-23T22:00:00.0009Z"',
    '"2024-11-23T22:00:00.001Z"',
    '"9999-12-31T23:59:59Z"',
    '"0000-01-01T00:00:00Z"',
    '"20240710T020025Z"',
    '"2024-07-10T02:00:25 Z"',
    '"2024-07-10T02:00:25.Z"',
  ],
];
const SPACES = ['', '', '', '', ' ', '\n', '\t', '\r\n  ', '\u00a0', '\v'];

function assemble(random: SeededRandom): Buffer {
  const space = () => (random.chance(0.9) ? '' : random.pick(SPACES));
  const pairs = Array.from(
    { length: random.below(9) },
    () => `${space()}"${random.pick(KEYS)}"${space()}:${space()}${random.pick(TOKENS)}${space()}`,
  );
  return Buffer.from(`${space()}{${pairs.join(',')}}${space()}`);
}

test(
  `${RECORDS} generated records, dirty and damaged ones among them: the scan, JSON.parse with zod, and the ` +
    `recount agree on each`,
  () => {
    const random = seededRandom(SEED);
    const next = loginGenerator({ seed: SEED + 1, dirtyShare: 0.4 });
    const kafkaTimes = [
      NOW_MS,
      NOW_MS,
      NOW_MS - 5000,
      -1,
      0,
      NOW_MS + 3_600_000,
      NOW_MS + 3_600_001,
      Date.UTC(2000, 0, 1),
      Date.UTC(2000, 0, 1) - 1,
    ];
    let clean = 0;
    for (let i = 0; i < RECORDS; i++) {
      let { value } = random.chance(0.3) ? { value: assemble(random) } : next(NOW_MS - random.below(90_000_000));
      if (value !== null && random.chance(0.6))
        for (let n = random.below(3); n >= 0; n--) value = mutate(random, value);
      try {
        if (agreed(value, random.pick(kafkaTimes)).deadLetter === null) clean += 1;
      } catch (error) {
        throw new Error(`record ${i} of seed ${SEED}: ${String(error)}`, { cause: error });
      }
    }
    // A generator that only makes rubbish would prove nothing.
    expect(clean).toBeGreaterThan(RECORDS / 3);
  },
  3_600_000,
);

test('any bytes at all: the three agree, and nothing throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: -1 }), (bytes, timestampMs) => {
      agreed(Buffer.from(bytes), timestampMs);
    }),
    { numRuns: 5000, seed: SEED },
  );
});

test('any JSON, and any object with the fields of a login: the three agree', () => {
  const field = fc.constantFrom(...LOGIN_FIELDS);
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true }),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom('CA', ' ios', '\u2028'),
  );
  const object = fc.dictionary(fc.oneof(field, fc.string()), value, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), object), fc.constantFrom(0, 1), (json, indent) => {
      agreed(Buffer.from(JSON.stringify(json, null, indent)), NOW_MS);
    }),
    { numRuns: 5000, seed: SEED },
  );
});
