import type { HeldNewest, HeldRow, HeldValue } from './graph.ts';
import { UnreadableValueError } from './stored-value.ts';
import type { Serde } from './serdes.ts';

/*
 * A row that is held back, in bytes. Without its newest value, as an older release wrote it:
 *
 *   f64 event time, then nothing, or f64 event time of the row that was handed on last, and its value
 *
 * With it:
 *
 *   FF, 1 byte of the kind, f64 event time, the rows that follow one after the other:
 *     the one that was handed on last, with no name; those that the newest value is made of, with the names of their
 *     stores: u32 length of the name, name, f64 event time, u32 length of the value, value
 *   and, of the kind `value`, u32 FFFFFFFF and the newest value
 */

/** No event time begins so. */
const WITH_NEWEST = 0xff;

/** In place of the length of a name: what follows is the newest value. */
const IS_NEWEST = 0xffffffff;

const KINDS = { deleted: 0, value: 1, parts: 2 } as const;

export const heldRowSerde: Serde<HeldRow> = {
  serialize: ({ timestampMs, last, newest }) => {
    if (newest === undefined)
      return last === null
        ? doubleOf(timestampMs)
        : Buffer.concat([doubleOf(timestampMs), doubleOf(last.timestampMs), last.value]);
    const kind = KINDS[newest === null ? 'deleted' : newest.kind];
    return Buffer.concat([
      Buffer.from([WITH_NEWEST, kind]),
      doubleOf(timestampMs),
      ...(last === null ? [] : namedRow('', last)),
      ...bytesOf(newest),
    ]);
  },
  deserialize: (bytes) => (bytes[0] === WITH_NEWEST ? withNewest(bytes) : withoutNewest(bytes)),
  format: 'held rows',
};

function bytesOf(newest: HeldNewest | null): Buffer[] {
  if (newest === null) return [];
  if (newest.kind === 'value') return [lengthOf(IS_NEWEST), newest.value];
  return [...newest.parts].flatMap(([name, row]) => namedRow(name, row));
}

function namedRow(name: string, { timestampMs, value }: HeldValue): Buffer[] {
  const text = Buffer.from(name);
  return [lengthOf(text.length), text, doubleOf(timestampMs), lengthOf(value.length), value];
}

function withoutNewest(bytes: Buffer): HeldRow {
  return {
    timestampMs: bytes.readDoubleBE(0),
    last: bytes.length < 16 ? null : { timestampMs: bytes.readDoubleBE(8), value: Buffer.from(bytes.subarray(16)) },
    newest: undefined,
  };
}

function withNewest(bytes: Buffer): HeldRow {
  const kind = bytes[1];
  const timestampMs = bytes.readDoubleBE(2);
  const rows = new Map<string, HeldValue>();
  let value: Buffer | undefined;
  for (let at = 10; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    at += 4;
    if (length === IS_NEWEST) {
      value = Buffer.from(bytes.subarray(at));
      break;
    }
    const name = bytes.toString('utf8', at, at + length);
    at += length;
    const start = at + 12;
    const end = start + bytes.readUInt32BE(at + 8);
    rows.set(name, { timestampMs: bytes.readDoubleBE(at), value: Buffer.from(bytes.subarray(start, end)) });
    at = end;
  }
  const last = rows.get('') ?? null;
  rows.delete('');
  if (kind === KINDS.deleted) return { timestampMs, last, newest: null };
  if (kind === KINDS.parts) return { timestampMs, last, newest: { kind: 'parts', parts: rows } };
  if (kind === KINDS.value && value !== undefined) return { timestampMs, last, newest: { kind: 'value', value } };
  throw new UnreadableValueError(`a held row of the kind ${String(kind)} cannot be read`);
}

function doubleOf(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
