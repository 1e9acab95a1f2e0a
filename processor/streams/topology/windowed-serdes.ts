import type { Serde } from './serdes.ts';

/** The key of a row of a windowed table: a key and its window. The end of a session is inclusive, others are not. */
export interface Windowed<K> {
  readonly key: K;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}

const TIME_BYTES = 8;
const LANE = 2 ** 32;

/**
 * Keys of windows that are all of one size: the key's own bytes, then 8 bytes (big-endian) of the window's start.
 * Java's `TimeWindowedSerializer`; the size is not in the bytes. Of sliding windows it is `differenceMs`.
 * @throws RangeError for a size that cannot be.
 */
export function timeWindowedSerde<K>(inner: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  checkInner('timeWindowedSerde', inner);
  if (!(Number.isSafeInteger(sizeMs) || sizeMs === Infinity) || sizeMs < 0)
    throw new RangeError(`timeWindowedSerde takes the size of its windows in milliseconds, not ${String(sizeMs)}`);
  return {
    serialize: (windowed) => {
      const { key, startMs } = checkedWindowed(windowed);
      return Buffer.concat([inner.serialize(key), timeBytes('startMs', startMs)]);
    },
    deserialize: (bytes) => {
      const keyBytes = keyLength(bytes, TIME_BYTES);
      const startMs = readTime(bytes, keyBytes);
      const endMs = startMs + sizeMs;
      return {
        key: inner.deserialize(bytes.subarray(0, keyBytes)),
        startMs,
        endMs: endMs === Infinity ? endMs : Math.min(endMs, Number.MAX_SAFE_INTEGER),
      };
    },
    ...(inner.format === undefined ? {} : { format: `${inner.format} in windows of ${String(sizeMs)} ms` }),
  };
}

/**
 * Keys of sessions: the key's own bytes, then 8 bytes each (big-endian) of the session's end and start. Java's
 * `SessionWindowedSerializer`.
 */
export function sessionWindowedSerde<K>(inner: Serde<K>): Serde<Windowed<K>> {
  checkInner('sessionWindowedSerde', inner);
  return {
    serialize: (windowed) => {
      const { key, startMs, endMs } = checkedWindowed(windowed);
      return Buffer.concat([inner.serialize(key), timeBytes('endMs', endMs), timeBytes('startMs', startMs)]);
    },
    deserialize: (bytes) => {
      const keyBytes = keyLength(bytes, 2 * TIME_BYTES);
      return {
        key: inner.deserialize(bytes.subarray(0, keyBytes)),
        startMs: readTime(bytes, keyBytes + TIME_BYTES),
        endMs: readTime(bytes, keyBytes),
      };
    },
    ...(inner.format === undefined ? {} : { format: `${inner.format} in sessions` }),
  };
}

function checkInner(what: string, inner: Serde<unknown>): void {
  const { serialize, deserialize } = (inner ?? {}) as { [part in keyof Serde<unknown>]?: unknown };
  if (typeof serialize !== 'function' || typeof deserialize !== 'function')
    throw new TypeError(`${what} takes the serde of its keys: an object with serialize and deserialize`);
}

function checkedWindowed<K>(windowed: Windowed<K>): Windowed<K> {
  if (typeof windowed !== 'object' || windowed === null || !('key' in windowed))
    throw new TypeError('a windowed serde takes { key, startMs, endMs }');
  return windowed;
}

function timeBytes(name: string, timeMs: number): Buffer {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0)
    throw new RangeError(`${name} of a window is a whole number of epoch milliseconds, not ${String(timeMs)}`);
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeUInt32BE(Math.floor(timeMs / LANE), 0);
  bytes.writeUInt32BE(timeMs % LANE, 4);
  return bytes;
}

function keyLength(bytes: Buffer, timeBytes: number): number {
  if (bytes.length < timeBytes)
    throw new TypeError(
      `the key of a window has ${String(timeBytes)} bytes of time, not ${String(bytes.length)} in all`,
    );
  return bytes.length - timeBytes;
}

function readTime(bytes: Buffer, at: number): number {
  const timeMs = bytes.readInt32BE(at) * LANE + bytes.readUInt32BE(at + 4);
  if (!Number.isSafeInteger(timeMs) || timeMs < 0)
    throw new RangeError('the bytes at the end of the key are no time of a window');
  return timeMs;
}
