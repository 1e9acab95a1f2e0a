/*
 * What LevelDB's tables are made of, for who writes them and for who checks them (table_format.md, log_format.md):
 * blocks, each followed by one byte (0 plain, 1 Snappy) and a masked CRC32C, then a footer.
 */

/** Behind the last block: where the meta-index and the index lie, and two numbers that make it a table. */
export const FOOTER_BYTES = 48;
export const MAGIC_LOW = 0x8b80fb57;
export const MAGIC_HIGH = 0xdb477524;
/** Behind each block: how it is packed, and its checksum. */
export const TRAILER_BYTES = 5;
export const PLAIN = 0;
export const SNAPPY = 1;
const MASK_DELTA = 0xa282ead8;

/** Where a block lies, without its trailer. */
export interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/** A checksum as LevelDB writes it: files that hold checksums are checksummed as well. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** At most 2^53. Answers where it ends. */
export function writeVarint(bytes: Uint8Array, value: number, at: number): number {
  let rest = value;
  while (rest >= 0x80) {
    bytes[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at] = rest;
  return at + 1;
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
