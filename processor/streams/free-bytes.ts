/** Of fewer bytes the memory is not worth it, and many share one piece. */
const LEAST_BYTES = 1 << 16;

/**
 * Gives the memory of bytes back that nobody reads any more. By itself it waits for a collection of the whole heap
 * where the bytes have lived for longer than a moment, and V8 does not begin one before there are 64 MiB of such.
 */
export function freeBytes(bytes: Buffer): void {
  const { buffer } = bytes;
  if (bytes.length < LEAST_BYTES || bytes.length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  buffer.transfer(0);
}
