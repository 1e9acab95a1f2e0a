import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Epoch milliseconds in the server, RFC 3339 text in UTC with milliseconds for clients. Values of rows hold the text
 * that was written, with any offset.
 */
export const dateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  serialize(value) {
    const ms = typeof value === 'string' ? rfc3339ToMs(value) : value;
    if (typeof ms !== 'number' || !Number.isInteger(ms))
      throw new TypeError('a DateTime must be whole epoch milliseconds, or RFC 3339 text');
    return new Date(ms).toISOString();
  },
  parseValue: (value) => parseDateTime(value),
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : node, node),
});

function parseDateTime(value: unknown, node?: ValueNode): number {
  const ms = typeof value === 'string' ? rfc3339ToMs(value) : null;
  if (ms === null) {
    throw new GraphQLError(
      'A DateTime is RFC 3339 text such as "2026-01-31T12:00:00.000Z".',
      node === undefined ? {} : { nodes: node },
    );
  }
  return ms;
}

/** Epoch milliseconds, fractions floored; null for text that is no instant. */
export function rfc3339ToMs(text: string): number | null {
  const parts = RFC_3339.exec(text);
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetHour = Number(parts[9] ?? 0);
  const offsetMinute = Number(parts[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offsetMs = (parts[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  const fractionMs = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000 + fractionMs - offsetMs;
}

/** A JSON number. A count that has lost precision is an error here. */
export const countScalar = new GraphQLScalarType<number, number>({
  name: 'Count',
  serialize(value) {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw new RangeError('a Count must be a whole number from 0 to 2^53 - 1');
    return value;
  },
  parseValue: (value) => parseCount(value),
  parseLiteral: (node) => parseCount(node.kind === Kind.INT ? Number(node.value) : node, node),
});

function parseCount(value: unknown, node?: ValueNode): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new GraphQLError('A Count is a whole number from 0 to 2^53 - 1.', node === undefined ? {} : { nodes: node });
  }
  return value;
}

/** Any text is accepted: one that is no cursor of ours gives a snapshot. */
export const cursorScalar = new GraphQLScalarType<string, string>({
  name: 'Cursor',
  serialize: (value) => String(value),
  parseValue: (value) => parseCursor(value),
  parseLiteral: (node) => parseCursor(node.kind === Kind.STRING ? node.value : node, node),
});

function parseCursor(value: unknown, node?: ValueNode): string {
  if (typeof value !== 'string') throw new GraphQLError('A Cursor is text.', node === undefined ? {} : { nodes: node });
  return value;
}

/** A day as text. */
export const dateScalar = new GraphQLScalarType<string, string>({
  name: 'Date',
  serialize(value) {
    if (typeof value !== 'string' || !isDay(value)) throw new TypeError('a Date must be text such as 2026-01-31');
    return value;
  },
  parseValue: (value) => parseDay(value),
  parseLiteral: (node) => parseDay(node.kind === Kind.STRING ? node.value : node, node),
});

function parseDay(value: unknown, node?: ValueNode): string {
  if (typeof value !== 'string' || !isDay(value))
    throw new GraphQLError('A Date is a day as text, such as "2026-01-31".', node === undefined ? {} : { nodes: node });
  return value;
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && rfc3339ToMs(`${text}T00:00:00Z`) !== null;
}

/** A JSON number. One that has lost precision is an error here. */
export const safeIntScalar = new GraphQLScalarType<number, number>({
  name: 'SafeInt',
  serialize(value) {
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new RangeError('a SafeInt must be a whole number up to 2^53 - 1 either way');
    return value;
  },
  parseValue: (value) => parseSafeInt(value),
  parseLiteral: (node) => parseSafeInt(node.kind === Kind.INT ? Number(node.value) : node, node),
});

function parseSafeInt(value: unknown, node?: ValueNode): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new GraphQLError(
      'A SafeInt is a whole number up to 2^53 - 1 either way.',
      node === undefined ? {} : { nodes: node },
    );
  }
  return value;
}

/** Making a number of text takes longer than the text is long: a client may not ask for any length. */
const DECIMAL = /^-?\d{1,1000}$/;

/** A bigint in the server, decimal text for clients, who may write a whole number too. */
export const bigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  serialize(value) {
    if (typeof value !== 'bigint') throw new TypeError('a BigInt must be a bigint');
    return value.toString();
  },
  parseValue: (value) => parseBigInt(value),
  parseLiteral: (node) => parseBigInt(node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : node, node),
});

function parseBigInt(value: unknown, node?: ValueNode): bigint {
  if (typeof value === 'string' && DECIMAL.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new GraphQLError(
    'A BigInt is a whole number as decimal text, of 1,000 digits at most.',
    node === undefined ? {} : { nodes: node },
  );
}

/** JSON as it is. What JSON would lose, or cannot be written at all, is an error of its field. */
export const jsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  serialize(value) {
    if (!isJson(value)) throw new TypeError('a JSON value must be what JSON can hold');
    return value;
  },
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

function isJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      if (value === null) return true;
      if (Array.isArray(value)) return value.every(isJson);
      return isPlainObject(value) && Object.values(value).every(isJson);
    default:
      return false;
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
