import { isUtf8 } from 'node:buffer';

import { type ConsumerRecord, DeadLetter, type Decoder } from '@tributary/streams';
import { FieldKind, flatJsonScanner } from '@tributary/streams/json';
import { type Device, invalidFlaw, type Login, LOGIN_FIELDS, missingFlaw } from './login.ts';
import { shapeLogin } from './login-shape.ts';
import { canStand, integerToMs, numberToMs, standInMs, textToMs } from './login-timestamp.ts';
import { type StateCode, stateOfLetters } from './states.ts';

/** Why a record cannot be counted. Everything else can, however flawed. */
export const DEAD_LETTER_REASONS = Object.freeze(['NO_VALUE', 'NOT_UTF8', 'NOT_JSON', 'NOT_OBJECT'] as const);
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

const NO_VALUE = deadLetter('NO_VALUE', 'The record has no value.');
const NOT_UTF8 = deadLetter('NOT_UTF8', 'The value is not UTF-8 text.');
const NOT_JSON = deadLetter('NOT_JSON', 'The value is not JSON text.');
const NOT_OBJECT = deadLetter('NOT_OBJECT', 'The value is JSON, but not an object.');

function deadLetter(reason: DeadLetterReason, message: string): DeadLetter {
  return Object.freeze(new DeadLetter(reason, message));
}

/**
 * Reads a login record by the rules of the contract. It throws on no input, and the answers of its two paths are the
 * same: `decodeLoginCarefully` defines what a login is; the one-pass scan here only gets there sooner, for the plain
 * flat ASCII objects that nearly every record is.
 */
export const decodeLogin: Decoder<Login> = (record, nowMs) => {
  const { value } = record;
  if (value !== null && scanner.scan(value)) return readScanned(value, record.timestampMs, nowMs);
  return decodeLoginCarefully(record, nowMs);
};

/**
 * The same with JSON.parse and zod. A value with more than one fault gets the first that applies: NO_VALUE, NOT_UTF8,
 * NOT_JSON, NOT_OBJECT.
 */
export const decodeLoginCarefully: Decoder<Login> = ({ value, timestampMs }: ConsumerRecord, nowMs) => {
  if (value === null) return NO_VALUE;
  if (!isUtf8(value)) return NOT_UTF8;
  let parsed: unknown;
  try {
    // Keeps a byte-order mark, which JSON.parse then refuses. Of a key that is there twice the last counts.
    parsed = JSON.parse(value.toString('utf8'));
  } catch {
    // Also a value too long to be a string, 512 MiB. Nesting is no limit: V8 parses it without recursion.
    return NOT_JSON;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return NOT_OBJECT;
  return shapeLogin(parsed, timestampMs, nowMs);
};

const scanner = flatJsonScanner(LOGIN_FIELDS);
const DEVICE_TYPE = LOGIN_FIELDS.indexOf('device_type');
const LOCALE = LOGIN_FIELDS.indexOf('locale');
const TIMESTAMP = LOGIN_FIELDS.indexOf('timestamp');

/** The longest run of digits that is exact as a double whatever the digits. */
const EXACT_DIGITS = 15;
const SPACE = 0x20;
const ZERO = 0x30;

/** A login from what the scanner just found in `bytes`. The only white space in a scanned string is the space. */
function readScanned(bytes: Buffer, kafkaTimestampMs: number, nowMs: number): Login {
  let flaws = 0;
  for (let index = 0; index < LOGIN_FIELDS.length; index++) {
    const kind = scanner.kinds[index] as number;
    if (kind === FieldKind.STRING) {
      // Nearly all begin with something else than a space: those are not blank.
      const start = scanner.starts[index] as number;
      if ((start === scanner.ends[index] || bytes[start] === SPACE) && isBlank(bytes, index))
        flaws |= missingFlaw(index);
    } else if (kind <= FieldKind.NULL) {
      flaws |= missingFlaw(index);
    }
  }

  let device: Device = 'other';
  if ((flaws & missingFlaw(DEVICE_TYPE)) === 0) {
    if (scanner.kinds[DEVICE_TYPE] === FieldKind.STRING)
      device = deviceAt(bytes, trimmedStart(bytes, DEVICE_TYPE), trimmedEnd(bytes, DEVICE_TYPE));
    else flaws |= invalidFlaw(DEVICE_TYPE);
  }

  let state: StateCode | null = null;
  if ((flaws & missingFlaw(LOCALE)) === 0) {
    if (scanner.kinds[LOCALE] === FieldKind.STRING) {
      const start = trimmedStart(bytes, LOCALE);
      if (trimmedEnd(bytes, LOCALE) - start === 2)
        state = stateOfLetters(bytes[start] as number, bytes[start + 1] as number);
    }
    if (state === null) flaws |= invalidFlaw(LOCALE);
  }

  let eventTimeMs = NaN;
  if ((flaws & missingFlaw(TIMESTAMP)) === 0) {
    eventTimeMs = timestampAt(bytes);
    if (!canStand(eventTimeMs, nowMs)) {
      flaws |= invalidFlaw(TIMESTAMP);
      eventTimeMs = NaN;
    }
  }
  if (Number.isNaN(eventTimeMs)) eventTimeMs = standInMs(kafkaTimestampMs, nowMs);
  return { device, state, eventTimeMs, flaws };
}

function trimmedStart(bytes: Buffer, field: number): number {
  let start = scanner.starts[field] as number;
  const end = scanner.ends[field] as number;
  while (start < end && bytes[start] === SPACE) start++;
  return start;
}

function trimmedEnd(bytes: Buffer, field: number): number {
  const start = scanner.starts[field] as number;
  let end = scanner.ends[field] as number;
  while (end > start && bytes[end - 1] === SPACE) end--;
  return end;
}

function isBlank(bytes: Buffer, field: number): boolean {
  return trimmedStart(bytes, field) === scanner.ends[field];
}

const IOS = Buffer.from('ios');
const ANDROID = Buffer.from('android');

function deviceAt(bytes: Buffer, start: number, end: number): Device {
  if (isWord(bytes, start, end, ANDROID)) return 'android';
  return isWord(bytes, start, end, IOS) ? 'ios' : 'other';
}

/** `word`: lower-case letters; compared in any case. */
function isWord(bytes: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (((bytes[start + i] as number) | 0x20) !== word[i]) return false;
  return true;
}

/** Epoch milliseconds, or NaN for what cannot be read. */
function timestampAt(bytes: Buffer): number {
  const kind = scanner.kinds[TIMESTAMP];
  if (kind !== FieldKind.NUMBER && kind !== FieldKind.STRING) return NaN;
  const start = trimmedStart(bytes, TIMESTAMP);
  const end = trimmedEnd(bytes, TIMESTAMP);
  const integer = integerAt(bytes, start, end);
  if (integer >= 0) return integerToMs(integer);
  const token = bytes.toString('latin1', start, end);
  return kind === FieldKind.NUMBER ? numberToMs(Number(token)) : textToMs(token);
}

/** A short run of nothing but digits as a number; -1 for anything else. */
function integerAt(bytes: Buffer, start: number, end: number): number {
  if (end - start > EXACT_DIGITS) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
