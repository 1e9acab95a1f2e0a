import type protobuf from 'protobufjs';
import type { Longs } from './avro-schema.ts';
import type { ProtobufLibrary } from './protobuf-schema.ts';

/*
 * Messages as plain objects, and back. protobufjs's own conversion makes 0 of a text, leaves out what it does not know,
 * and rounds numbers of 64 bits: what does not fit is refused here.
 */

const WHOLE: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

interface LongBits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** A message without a field of its own is told by its absence; all other fields have a value. */
function hasPresence(library: ProtobufLibrary, field: protobuf.Field): boolean {
  return Boolean(field.hasPresence) || field.resolvedType instanceof library.Type;
}

/** @throws RangeError for a number that is beyond 2^53, and `longs` wants numbers. */
export function plainValue(library: ProtobufLibrary, type: protobuf.Type, message: object, longs: Longs): object {
  const plain: Record<string, unknown> = {};
  const read = message as Readonly<Record<string, unknown>>;
  for (const field of type.fieldsArray) {
    const { name } = field;
    const value = Object.hasOwn(read, name) ? read[name] : undefined;
    const one = (part: unknown): unknown => plainPart(library, field, part, longs);
    if (field.map)
      plain[name] = Object.fromEntries(
        Object.entries(value ?? {}).map(([key, part]) => [
          mapKey(library, field as protobuf.FieldBase as protobuf.MapField, key),
          one(part),
        ]),
      );
    else if (field.repeated) plain[name] = ((value ?? []) as readonly unknown[]).map(one);
    else if (value !== undefined && value !== null) plain[name] = one(value);
    else if (!hasPresence(library, field)) plain[name] = one(field.typeDefault);
  }
  return plain;
}

function plainPart(library: ProtobufLibrary, field: protobuf.Field, value: unknown, longs: Longs): unknown {
  const { resolvedType, type } = field;
  if (resolvedType instanceof library.Type) return plainValue(library, resolvedType, value as object, longs);
  // A number that the schema has no name for stays one.
  if (resolvedType instanceof library.Enum) return resolvedType.valuesById[value as number] ?? value;
  // A view on the record otherwise.
  if (type === 'bytes') return Buffer.from(value as Uint8Array);
  if (!type.endsWith('64')) return value;
  const long = bigintOf(value);
  if (longs === 'bigint') return long;
  if (Number.isSafeInteger(Number(long))) return Number(long);
  throw new RangeError(`the field "${field.name}" is beyond 2^53: read it with longs: 'bigint'`);
}

function bigintOf(value: unknown): bigint {
  if (typeof value !== 'object' || value === null) return BigInt(value as number);
  const { low, high, unsigned } = value as LongBits;
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits);
}

/** protobufjs keeps keys of 64 bits as eight letters of their bits. */
function mapKey(library: ProtobufLibrary, { keyType }: protobuf.MapField, key: string): string {
  if (!keyType.endsWith('64')) return key;
  const unsigned = keyType === 'uint64' || keyType === 'fixed64';
  return String(bigintOf(library.util.longFromHash(key, unsigned)));
}

/**
 * What protobufjs encodes as Java does: fields that have their default value and no presence are left out.
 * @throws TypeError naming the part that does not fit.
 */
export function messageValue(library: ProtobufLibrary, type: protobuf.Type, value: unknown, path = ''): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw misfit(path, value, type.fullName.slice(1));
  for (const name of Object.keys(value))
    if (!Object.hasOwn(type.fields, name))
      throw new TypeError(`the value does not fit its schema: ${type.fullName.slice(1)} has no field "${name}"`);
  for (const { name, oneof } of type.oneofsArray) {
    const set = oneof.filter((field) => isSet((value as Readonly<Record<string, unknown>>)[field]));
    if (set.length > 1)
      throw new TypeError(`the value does not fit its schema: of "${name}" only one may be set, not ${set.join(', ')}`);
  }
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const { name } = field;
    const part = (value as Readonly<Record<string, unknown>>)[name];
    const at = path === '' ? name : `${path}.${name}`;
    if (!isSet(part)) {
      if (field.required) throw misfit(at, part, field.type);
      continue;
    }
    const one = (inner: unknown, key: string | number): unknown =>
      messagePart(library, field, inner, `${at}[${String(key)}]`);
    if (field.map) message[name] = mapOf(part, at, field as protobuf.FieldBase as protobuf.MapField, one);
    else if (field.repeated) message[name] = listOf(part, at).map(one);
    else {
      const single = messagePart(library, field, part, at);
      if (hasPresence(library, field) || !isDefault(single)) message[name] = single;
    }
  }
  return message;
}

function messagePart(library: ProtobufLibrary, field: protobuf.Field, value: unknown, path: string): unknown {
  const { resolvedType, type } = field;
  if (resolvedType instanceof library.Type) return messageValue(library, resolvedType, value, path);
  if (resolvedType instanceof library.Enum) {
    const number = typeof value === 'string' ? resolvedType.values[value] : value;
    if (Number.isInteger(number)) return number;
    throw misfit(path, value, `one of ${Object.keys(resolvedType.values).join(', ')}`);
  }
  const range = WHOLE[type];
  if (range !== undefined) return wholeNumber(value, path, type, range);
  if (type === 'double' || type === 'float') {
    if (typeof value === 'number') return value;
  } else if (type === 'bool') {
    if (typeof value === 'boolean') return value;
  } else if (type === 'string') {
    if (typeof value === 'string' && value.isWellFormed()) return value;
  } else if (value instanceof Uint8Array) return value;
  throw misfit(path, value, type);
}

function wholeNumber(value: unknown, path: string, type: string, [least, most]: readonly [bigint, bigint]): unknown {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw misfit(path, value, type);
  const whole = BigInt(value as number | bigint);
  if (whole < least || whole > most) throw misfit(path, value, type);
  if (!type.endsWith('64')) return Number(whole);
  const low = Number(BigInt.asIntN(32, whole));
  const high = Number(BigInt.asIntN(32, whole >> 32n));
  return { low, high, unsigned: type === 'uint64' || type === 'fixed64' } satisfies LongBits;
}

function mapOf(
  value: unknown,
  path: string,
  { keyType }: protobuf.MapField,
  one: (part: unknown, key: string) => unknown,
): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit(path, value, 'an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const range = WHOLE[keyType];
      if (range !== undefined)
        wholeNumber(/^-?\d+$/.test(key) ? BigInt(key) : key, `the key of ${path}`, keyType, range);
      if (keyType === 'bool' && key !== 'true' && key !== 'false') throw misfit(`the key of ${path}`, key, keyType);
      return [key, one(part, key)];
    }),
  );
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw misfit(path, value, 'a list');
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (typeof value === 'object' && value !== null)
    return (value as LongBits).low === 0 && (value as LongBits).high === 0;
  return value === false || value === '' || Object.is(value, 0);
}

/** Without the content, which no message repeats. */
function misfit(path: string, value: unknown, expected: string): TypeError {
  const found = value === null || value === undefined ? 'missing' : `a ${Array.isArray(value) ? 'list' : typeof value}`;
  const at = path === '' ? 'it' : path;
  return new TypeError(
    `the value does not fit its schema: ${at} is ${found}, or beyond what fits, and not ${expected}`,
  );
}
