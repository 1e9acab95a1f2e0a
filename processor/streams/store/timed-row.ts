/*
 * Rows of timed stores. On disk 8 bytes (f64, big-endian) of event time stand before the bytes of the value; in the
 * changelog the value is by itself, as of any other store, and the record's header `time` has the same 8 bytes. A
 * record of before the store was timed has no such header: the time of its row is not known.
 */
export const TIME_BYTES = 8;
export const NO_TIME = -1;

/** A row as it is on disk. */
export function timedBytes(timestampMs: number, value: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(TIME_BYTES + value.length);
  row.writeDoubleBE(timestampMs, 0);
  row.set(value, TIME_BYTES);
  return row;
}

export function timeOf(row: Buffer): number {
  return row.readDoubleBE(0);
}

const eightBytes = new DataView(new ArrayBuffer(TIME_BYTES));

/** Of a row as latin1 text. */
export function timeOfText(row: string): number {
  for (let at = 0; at < TIME_BYTES; at += 1) eightBytes.setUint8(at, row.charCodeAt(at));
  return eightBytes.getFloat64(0);
}

/** The value without its time: a view. */
export function untimed(row: Buffer): Buffer {
  return row.subarray(TIME_BYTES);
}

/** NaN is none. */
export function timeOrNone(timestampMs: number): number {
  return timestampMs >= 0 ? timestampMs : NO_TIME;
}
