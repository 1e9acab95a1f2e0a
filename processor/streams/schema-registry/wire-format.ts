/*
 * The Confluent wire format: a zero byte, the id of the schema in four bytes, big end first; for Protobuf the place of
 * the message in its file; then the value.
 */

const MAGIC = 0;
const HEADER_BYTES = 5;
/** More than any file nests messages. */
const MOST_INDEXES = 64;

/** A value with the schema that it was written by. */
export interface Framed {
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(id: number, ...payload: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, ...payload]);
}

/** @throws TypeError for bytes that no serializer of a schema registry has written. */
export function unframe(bytes: Buffer): Framed {
  if (bytes.length < HEADER_BYTES)
    throw new TypeError(
      `${String(bytes.length)} bytes cannot hold the id of a schema: the value was not written by a serializer of a ` +
        `schema registry`,
    );
  const magic = bytes.readUInt8(0);
  if (magic !== MAGIC)
    throw new TypeError(
      `the value begins with the byte ${String(magic)} and not with 0: it was not written by a serializer of a ` +
        `schema registry, or has the id of its schema in a header`,
    );
  return { id: bytes.readInt32BE(1), payload: bytes.subarray(HEADER_BYTES) };
}

/** The place of a message in its file: its number among the messages of each level, from the outermost in. */
export type MessageIndexes = readonly number[];

/** The first message of a file, which most are, is one zero byte. */
export function writeMessageIndexes(indexes: MessageIndexes): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.from([0]);
  return Buffer.from([indexes.length, ...indexes].flatMap(zigzagVarint));
}

/** @throws TypeError for what are no indexes. */
export function readMessageIndexes(payload: Buffer): {
  readonly indexes: MessageIndexes;
  readonly message: Buffer;
} {
  let at = 0;
  const next = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = payload[at];
      if (byte === undefined || scale > 0x80 ** 4)
        throw new TypeError('the place of the message in its file is cut off');
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 0x80;
    }
  };
  const count = next();
  if (count < 0 || count > MOST_INDEXES)
    throw new TypeError(`the place of the message in its file has ${String(count)} levels`);
  const indexes = count === 0 ? [0] : Array.from({ length: count }, next);
  return { indexes, message: payload.subarray(at) };
}

function zigzagVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
