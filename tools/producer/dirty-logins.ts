import type { DeadLetterReason } from '../../processor/logins/login-record.ts';
import type { LoginDraft } from './login-draft.ts';

interface Dirt {
  /** What must become of the record: counted, or dead-lettered for this reason. */
  readonly outcome: 'COUNTED' | DeadLetterReason;
  readonly value: (login: LoginDraft, eventTimeMs: number) => Buffer | null;
}

/** Any JSON in place of a login's own fields; `undefined` leaves a field out. */
type Changes = Readonly<Record<string, unknown>>;

const deadLetter = (outcome: DeadLetterReason, value: Dirt['value']): Dirt => ({ outcome, value });
const raw = (value: (text: string, eventTimeMs: number) => string): Dirt => ({
  outcome: 'COUNTED',
  value: (login, eventTimeMs) => Buffer.from(value(JSON.stringify({ device_type: 'iOS', ...login }), eventTimeMs)),
});
const changed = (changes: Changes | ((login: LoginDraft, eventTimeMs: number) => Changes)): Dirt => ({
  outcome: 'COUNTED',
  value: (login, eventTimeMs) =>
    Buffer.from(
      JSON.stringify({ ...login, ...(typeof changes === 'function' ? changes(login, eventTimeMs) : changes) }),
    ),
});
const timestamp = (write: (eventTimeMs: number) => unknown): Dirt =>
  changed((_, eventTimeMs) => ({ timestamp: write(eventTimeMs) }));

/** RFC 3339 text of a time, as a clock at this offset shows it. */
function withOffset(eventTimeMs: number, offsetMinutes: number): string {
  const local = new Date(eventTimeMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
  const [sign, minutes] = offsetMinutes < 0 ? ['-', -offsetMinutes] : ['+', offsetMinutes];
  return `${local}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const two = (number: number) => String(number).padStart(2, '0');
const iso = (eventTimeMs: number) => new Date(eventTimeMs).toISOString();
const seconds = (eventTimeMs: number) => Math.floor(eventTimeMs / 1000);

/** One kind for everything that the contract names. Times that cannot stand are so by years, whatever the clock. */
const KINDS = {
  'no value': deadLetter('NO_VALUE', () => null),
  'not UTF-8: a lone continuation byte': deadLetter('NOT_UTF8', (login) =>
    Buffer.from(JSON.stringify({ ...login, app_version: '2.3.0\u00ff' }), 'latin1'),
  ),
  'not UTF-8: a surrogate': deadLetter('NOT_UTF8', () =>
    Buffer.concat([Buffer.from('{"locale":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ),
  'not UTF-8: UTF-16': deadLetter('NOT_UTF8', (login) => Buffer.from(`\ufeff${JSON.stringify(login)}`, 'utf16le')),
  'not JSON: no bytes': deadLetter('NOT_JSON', () => Buffer.alloc(0)),
  'not JSON: white space': deadLetter('NOT_JSON', () => Buffer.from(' \n')),
  'not JSON: a byte-order mark': deadLetter('NOT_JSON', (login) => Buffer.from(`\ufeff${JSON.stringify(login)}`)),
  'not JSON: cut short': deadLetter('NOT_JSON', (login) => Buffer.from(JSON.stringify(login).slice(0, -1))),
  'not JSON: bytes behind it': deadLetter('NOT_JSON', (login) => Buffer.from(`${JSON.stringify(login)}}`)),
  'not JSON: single quotes': deadLetter('NOT_JSON', (login) => Buffer.from(JSON.stringify(login).replaceAll('"', "'"))),
  'not JSON: NaN': deadLetter('NOT_JSON', (login) =>
    Buffer.from(JSON.stringify(login).replace(/"timestamp":\d+/, '"timestamp":NaN')),
  ),
  'not JSON: a comma too many': deadLetter('NOT_JSON', (login) =>
    Buffer.from(JSON.stringify(login).replace(/}$/, ',}')),
  ),
  'not JSON: a raw line end in a string': deadLetter('NOT_JSON', (login) =>
    Buffer.from(JSON.stringify(login).replace('2.3.0', '2.3.0\n')),
  ),
  'not JSON: plain text': deadLetter('NOT_JSON', () => Buffer.from('login')),
  'not an object: an array': deadLetter('NOT_OBJECT', (login) => Buffer.from(JSON.stringify([login]))),
  'not an object: text': deadLetter('NOT_OBJECT', (login) => Buffer.from(JSON.stringify(JSON.stringify(login)))),
  'not an object: a number': deadLetter('NOT_OBJECT', (_, eventTimeMs) => Buffer.from(String(seconds(eventTimeMs)))),
  'not an object: true': deadLetter('NOT_OBJECT', () => Buffer.from('true')),
  'not an object: null': deadLetter('NOT_OBJECT', () => Buffer.from('null')),

  'an empty object': { outcome: 'COUNTED', value: () => Buffer.from('{}') },
  'user_id absent': changed({ user_id: undefined }),
  'user_id null': changed({ user_id: null }),
  'user_id blank': changed({ user_id: ' \t' }),
  'app_version absent': changed({ app_version: undefined }),
  'app_version empty': changed({ app_version: '' }),
  'app_version a number': changed({ app_version: 2.3 }),
  'ip null': changed({ ip: null }),
  'ip an object': changed({ ip: { v4: '1.2.3.4' } }),
  'device_id blank': changed({ device_id: '\u00a0\u2003' }),
  'device_id an array': changed({ device_id: [] }),

  'device_type null': changed({ device_type: null }),
  'device_type blank': changed({ device_type: '  ' }),
  'device_type upper case': changed({ device_type: 'ANDROID' }),
  'device_type in spaces': changed({ device_type: ' iOS\n' }),
  'device_type unknown': changed({ device_type: 'windows' }),
  'device_type nearly known': changed({ device_type: 'ios 17' }),
  'device_type a number': changed({ device_type: 7 }),
  'device_type a list': changed({ device_type: ['ios'] }),
  'device_type true': changed({ device_type: true }),

  'locale absent': changed({ locale: undefined }),
  'locale null': changed({ locale: null }),
  'locale blank': changed({ locale: '' }),
  'locale lower case': changed((login) => ({ locale: login.locale.toLowerCase() })),
  'locale in spaces': changed((login) => ({ locale: `\t${login.locale} ` })),
  'locale DC': changed({ locale: 'DC' }),
  'locale another country': changed({ locale: 'RU' }),
  'locale a territory': changed({ locale: 'PR' }),
  'locale a name': changed({ locale: 'California' }),
  'locale a ligature': changed({ locale: '\ufb02' }),
  'locale a number': changed({ locale: 6 }),
  'locale an object': changed((login) => ({ locale: { state: login.locale } })),

  'timestamp absent': timestamp(() => undefined),
  'timestamp null': timestamp(() => null),
  'timestamp blank': timestamp(() => ' '),
  'timestamp in milliseconds': timestamp((at) => Math.floor(at)),
  'timestamp with a fraction': timestamp((at) => Math.floor(at) / 1000),
  'timestamp in milliseconds with a fraction': timestamp((at) => Math.floor(at) + 0.75),
  'timestamp as text': timestamp((at) => String(seconds(at))),
  'timestamp as text in spaces': timestamp((at) => ` ${seconds(at)}.9999 `),
  'timestamp as text in milliseconds': timestamp((at) => String(Math.floor(at))),
  'timestamp RFC 3339': timestamp(iso),
  'timestamp RFC 3339 in lower case': timestamp((at) => iso(at).toLowerCase()),
  'timestamp RFC 3339 ahead of UTC': timestamp((at) => withOffset(at, 330)),
  'timestamp RFC 3339 behind UTC': timestamp((at) => ` ${withOffset(at, -480)}`),
  'timestamp RFC 3339 with nanoseconds': timestamp((at) => iso(at).replace('Z', '999999Z')),
  'timestamp RFC 3339 without fraction': timestamp((at) => iso(at).replace(/\.\d+/, '')),
  'timestamp without an offset': timestamp((at) => iso(at).slice(0, -1)),
  'timestamp of no day': timestamp(() => '2023-02-29T12:00:00Z'),
  'timestamp a date': timestamp((at) => iso(at).slice(0, 10)),
  'timestamp unreadable': timestamp(() => 'yesterday'),
  'timestamp negative': timestamp((at) => -seconds(at)),
  'timestamp before 2000': timestamp(() => 915_148_800),
  'timestamp RFC 3339 before 2000': timestamp(() => '1999-12-31T23:59:59.999Z'),
  'timestamp far ahead': timestamp(() => 4_102_444_800),
  'timestamp with an exponent as text': timestamp(() => '1.72e9'),
  'timestamp true': timestamp(() => true),
  'timestamp an object': timestamp((at) => ({ seconds: seconds(at) })),

  'more fields': changed({ country: 'US', tags: ['a', { b: null }] }),
  'a field named __proto__': raw((text) => text.replace(/^{/, '{"__proto__":{"locale":"CA","device_type":"iOS"},')),
  'a field twice': raw((text) => text.replace(/}$/, ',"locale":"XX","locale":"wy"}')),
  'escaped characters': raw((text) =>
    text.replace('"locale"', '"\\u006cocale"').replace('"iOS"', '"\\u0069os\\u00a0"'),
  ),
  'spread over lines': raw((text) => JSON.stringify(JSON.parse(text), null, 2)),
  'in white space': raw((text) => `\r\n ${text}\t`),
} satisfies Record<string, Dirt>;

export type DirtyKind = keyof typeof KINDS;

/** Names of every kind of dirty record. */
export const DIRTY_KINDS: readonly DirtyKind[] = Object.freeze(Object.keys(KINDS) as DirtyKind[]);

export function dirtyOutcome(kind: DirtyKind): Dirt['outcome'] {
  return KINDS[kind].outcome;
}

/** A record of this kind made from a login. `eventTimeMs`: the login's time, for the kinds that write it otherwise. */
export function dirtyValue(kind: DirtyKind, login: LoginDraft, eventTimeMs: number): Buffer | null {
  return KINDS[kind].value(login, eventTimeMs);
}
