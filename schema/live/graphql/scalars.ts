import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Epoch milliseconds in the server, RFC 3339 text in UTC with milliseconds for clients. */
export const dateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  serialize(value) {
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new TypeError('a DateTime must be whole epoch milliseconds');
    return new Date(value).toISOString();
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
function rfc3339ToMs(text: string): number | null {
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
