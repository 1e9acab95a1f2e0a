/*
 * Values and keys as text whose order is the order that is asked for: UTF-16, as JavaScript compares it. Rows without a
 * value come last in either direction; ties go by the bytes of the key, ascending.
 *
 *   '0' value key   a row with a value; descending, each unit of the value is taken from FFFF
 *   '1' key         a row without one
 *
 * No value is the beginning of another one: numbers have four units, booleans one, texts end with 0000 0000, and a 0000
 * within them is 0000 FFFF. The key is latin1.
 */

/** As what the values of a field are compared. */
export type OrderType = 'number' | 'text' | 'bigint' | 'boolean' | 'instant';
export const ORDER_TYPES: readonly OrderType[] = ['number', 'text', 'bigint', 'boolean', 'instant'];

export type OrderValue = string | number | bigint | boolean | null;

export interface Ordering {
  readonly type: OrderType;
  readonly descending: boolean;
}

const SOME = '0';
const NONE = '1';
const ZERO = '\u0000';
const LAST = 0xffff;
const END = '\u0000\u0000';
const NUMBER_UNITS = 4;
const UNIT_BYTES = 2;
/** Their number goes into one unit. */
const MOST_DIGITS = 10_000;
const SIGN_UNIT = 0x8000;

const eightBytes = new DataView(new ArrayBuffer(NUMBER_UNITS * UNIT_BYTES));

/** What of a row's field is compared; null for what is no value of this type. */
export function orderValueOf(type: OrderType, value: unknown): OrderValue {
  switch (type) {
    case 'number':
      return typeof value === 'number' && !Number.isNaN(value) ? value : null;
    case 'instant': {
      const ms = typeof value === 'string' || value instanceof Date ? new Date(value).getTime() : value;
      return typeof ms === 'number' && !Number.isNaN(ms) ? ms : null;
    }
    case 'text':
      return typeof value === 'string' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'bigint':
      return bigintOf(value);
  }
}

/** As zod tables of a live API read them: of whole numbers and decimal text. */
function bigintOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === 'string' && value.length <= MOST_DIGITS && /^-?\d+$/.test(value) ? BigInt(value) : null;
}

/** `key` as latin1. */
export function orderText({ descending }: Ordering, value: OrderValue, key: string): string {
  if (value === null) return NONE + key;
  const text = textOf(value);
  return SOME + (descending ? inverted(text) : text) + key;
}

/** The key that such a text ends with. */
export function keyOfOrderText({ type, descending }: Ordering, text: string): string {
  if (text.startsWith(NONE)) return text.slice(1);
  switch (type) {
    case 'number':
    case 'instant':
      return text.slice(1 + NUMBER_UNITS);
    case 'boolean':
      return text.slice(2);
    default: {
      const [zero, escape] = descending ? [LAST, 0] : [0, LAST];
      let at = 1;
      for (; ; at += 1) {
        if (text.charCodeAt(at) !== zero) continue;
        at += 1;
        if (text.charCodeAt(at) !== escape) return text.slice(at + 1);
      }
    }
  }
}

function textOf(value: string | number | bigint | boolean): string {
  switch (typeof value) {
    case 'string':
      return value.replaceAll(ZERO, '\u0000\uffff') + END;
    case 'number':
      return numberText(value);
    case 'bigint':
      return bigintText(value) + END;
    default:
      return value ? '1' : '0';
  }
}

/** Of negative numbers all bits are turned, of others the sign alone: then the bits are in order. */
function numberText(value: number): string {
  // -0 is equal to 0.
  eightBytes.setFloat64(0, value === 0 ? 0 : value);
  const units = Array.from({ length: NUMBER_UNITS }, (_, unit) => eightBytes.getUint16(unit * UNIT_BYTES));
  const [first = 0] = units;
  return first < SIGN_UNIT
    ? String.fromCharCode(first + SIGN_UNIT, ...units.slice(1))
    : String.fromCharCode(...units.map((unit) => LAST - unit));
}

/** By sign, then by how many digits, then by them. */
function bigintText(value: bigint): string {
  if (value >= 0n) {
    const digits = String(value);
    return `p${String.fromCharCode(digits.length)}${digits}`;
  }
  const digits = String(-value);
  return `n${String.fromCharCode(LAST - digits.length)}${inverted(digits)}`;
}

function inverted(text: string): string {
  let turned = '';
  for (let at = 0; at < text.length; at += 1) turned += String.fromCharCode(LAST - text.charCodeAt(at));
  return turned;
}
