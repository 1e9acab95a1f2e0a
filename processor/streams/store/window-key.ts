/** A key and the window it belongs to. `windowStartMs`: epoch milliseconds, a multiple of the window's advance. */
export interface WindowKey {
  readonly windowStartMs: number;
  readonly key: string;
}

const START_BYTES = 8;

/** 8 bytes big-endian window start, then the key in UTF-8: time first, so that expiry is one range from the front. */
export function encodeWindowKey(windowStartMs: number, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(START_BYTES + Buffer.byteLength(key));
  bytes.writeBigUInt64BE(BigInt(windowStartMs), 0);
  bytes.write(key, START_BYTES, 'utf8');
  return bytes;
}

export function decodeWindowKey(bytes: Buffer): WindowKey {
  return { windowStartMs: Number(bytes.readBigUInt64BE(0)), key: bytes.toString('utf8', START_BYTES) };
}
