/** Of fewer bytes the memory is not worth it, and many share one piece. */
const LEAST_BYTES = 1 << 16;

/**
 * Gives the memory of bytes back that nobody reads any more. By itself it waits for a collection of the whole heap
 * where the bytes have lived for longer than a moment, and V8 does not begin one before there are 64 MiB of such.
 */
export function freeBytes(bytes: Buffer): void {
  if (bytes.length === bytes.buffer.byteLength) freeWhole(bytes);
}

/** The same of bytes that may be a part of memory of which nobody reads the rest either. */
export function freeWhole({ buffer, length }: Uint8Array): void {
  if (length >= LEAST_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
