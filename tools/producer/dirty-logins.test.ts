import { describe, expect, test } from '@jest/globals';
import { invalidFields, type Login, missingFields } from '../../processor/logins/login.ts';
import { DEAD_LETTER_REASONS, decodeLogin } from '../../processor/logins/login-record.ts';
import { DeadLetter } from '@tributary/streams';
import { DIRTY_KINDS, type DirtyKind, dirtyOutcome, dirtyValue } from './dirty-logins.ts';
import type { LoginDraft } from './login-draft.ts';
import { draftLogin } from './login-generator.ts';
import { seededRandom } from './seeded-random.ts';

const EVENT_MS = Date.parse('2024-11-23T20:59:58.765Z');
const NOW_MS = EVENT_MS + 1_235;
const KAFKA_MS = NOW_MS - 100;

function decode(kind: DirtyKind, login: LoginDraft): Login | DeadLetter {
  return decodeLogin(
    {
      topic: 't',
      partition: 0,
      offset: 0,
      timestampMs: KAFKA_MS,
      key: null,
      value: dirtyValue(kind, login, EVENT_MS),
      headers: {},
    },
    NOW_MS,
  );
}

function counted(kind: DirtyKind): Login {
  const answer = decode(kind, { ...draftLogin(seededRandom(1), EVENT_MS), device_type: 'iOS' });
  if (answer instanceof DeadLetter) throw new Error(`${kind} is dead-lettered`);
  return answer;
}

test.each(DIRTY_KINDS)('%s has the outcome it announces, whatever the login', (kind) => {
  const random = seededRandom(2);
  for (let i = 0; i < 40; i++) {
    const answer = decode(kind, draftLogin(random, EVENT_MS));
    expect(answer instanceof DeadLetter ? answer.reason : 'COUNTED').toBe(dirtyOutcome(kind));
  }
});

test('there is a kind for every reason, every missing field and every field that can be invalid', () => {
  expect(new Set(DIRTY_KINDS.map(dirtyOutcome))).toEqual(new Set([...DEAD_LETTER_REASONS, 'COUNTED']));
  const flaws = DIRTY_KINDS.filter((kind) => dirtyOutcome(kind) === 'COUNTED').map((kind) => counted(kind).flaws);
  const alone = flaws.filter((set) => missingFields(set).length + invalidFields(set).length === 1);
  expect(new Set(alone.flatMap(missingFields))).toEqual(
    new Set(['user_id', 'app_version', 'device_type', 'ip', 'locale', 'device_id', 'timestamp']),
  );
  expect(new Set(alone.flatMap(invalidFields))).toEqual(new Set(['device_type', 'locale', 'timestamp']));
});

describe('what kinds with a twist become', () => {
  test.each<[DirtyKind, Partial<Login>]>([
    ['device_type upper case', { device: 'android', flaws: 0 }],
    ['device_type in spaces', { device: 'ios', flaws: 0 }],
    ['device_type unknown', { device: 'other', flaws: 0 }],
    ['locale DC', { state: 'DC', flaws: 0 }],
    ['a field twice', { state: 'WY', flaws: 0 }],
    ['escaped characters', { device: 'ios', flaws: 0 }],
    ['a field named __proto__', { device: 'ios', flaws: 0 }],
    ['timestamp as text', { eventTimeMs: EVENT_MS - 765, flaws: 0 }],
    ['timestamp as text in spaces', { eventTimeMs: EVENT_MS - 765 + 999, flaws: 0 }],
    ...(
      [
        'in milliseconds',
        'with a fraction',
        'in milliseconds with a fraction',
        'as text in milliseconds',
        'RFC 3339',
        'RFC 3339 in lower case',
        'RFC 3339 ahead of UTC',
        'RFC 3339 behind UTC',
        'RFC 3339 with nanoseconds',
      ] as const
    ).map((how): [DirtyKind, Partial<Login>] => [`timestamp ${how}`, { eventTimeMs: EVENT_MS, flaws: 0 }]),
    ['timestamp far ahead', { eventTimeMs: KAFKA_MS }],
    ['timestamp before 2000', { eventTimeMs: KAFKA_MS }],
    ['timestamp absent', { eventTimeMs: KAFKA_MS }],
  ])('%s', (kind, expected) => expect(counted(kind)).toMatchObject(expected));
});
