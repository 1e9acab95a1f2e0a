import { checkKeyText } from './key-text.ts';

/** A key and the window it belongs to. `windowStartMs`: epoch milliseconds, a multiple of the window's advance. */
export interface WindowKey {
  readonly windowStartMs: number;
  readonly key: string;
}

/** A window's key begins with its start, the text of the key comes after it. */
export const WINDOW_START_BYTES = 8;
const LANE = 0x1_0000_0000;

/**
 * 8 bytes big-endian window start, then the key in UTF-8, or its own bytes: time first, so that expiry is one range
 * from the front.
 * @throws RangeError when the start is no whole number of milliseconds since the epoch; TypeError when the key is no
 * text.
 */
export function encodeWindowKey(windowStartMs: number, key: string | Buffer): Buffer {
  checkWindowStart(windowStartMs);
  if (!Buffer.isBuffer(key)) checkKeyText(key);
  const bytes = Buffer.allocUnsafe(
    WINDOW_START_BYTES + (typeof key === 'string' ? Buffer.byteLength(key) : key.length),
  );
  writeTime(bytes, windowStartMs, 0);
  if (typeof key === 'string') bytes.write(key, WINDOW_START_BYTES, 'utf8');
  else bytes.set(key, WINDOW_START_BYTES);
  return bytes;
}

/** 8 bytes, big-endian, of a whole number from 0 on. */
export function writeTime(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / LANE), at);
  bytes.writeUInt32BE(value % LANE, at + 4);
}

/** @throws RangeError as `encodeWindowKey`. */
export function checkWindowStart(windowStartMs: number): void {
  if (!Number.isSafeInteger(windowStartMs) || windowStartMs < 0) {
    throw new RangeError(
      `${String(windowStartMs)} is not a window start: it must be a whole number of epoch milliseconds`,
    );
  }
}

/** The opposite of `encodeWindowKey`. */
export function decodeWindowKey(bytes: Buffer): WindowKey {
  return { windowStartMs: windowStartOf(bytes), key: bytes.toString('utf8', WINDOW_START_BYTES) };
}

export function windowStartOf(bytes: Buffer): number {
  return bytes.readUInt32BE(0) * LANE + bytes.readUInt32BE(4);
}
