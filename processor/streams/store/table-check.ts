import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c, unpackSnappyBlock } from '../kafka/native-codecs.ts';
import { systemCode } from './store-errors.ts';
import {
  type BlockHandle,
  FOOTER_BYTES,
  MAGIC_HIGH,
  MAGIC_LOW,
  masked,
  PLAIN,
  SNAPPY,
  TRAILER_BYTES,
} from './table-format.ts';

/*
 * Checks the table files of a LevelDB against the checksums that LevelDB writes into them and, as it is built, never
 * reads: every block ends in the CRC of its bytes. Without this a flipped bit in a table is more than a wrong answer.
 * In a Bloom filter it hides a key from `get` that a scan still finds; in an index block it can run into an assertion
 * of LevelDB and abort the process, at each start again. So the check comes before LevelDB opens the files.
 */

/** `unfinished` files are tables without a whole footer. */
interface TableReport {
  /** The first damaged table and what is wrong with it; null when there is none. */
  readonly damage: string | null;
  readonly unfinished: readonly string[];
}

/** Reads every table of the directory once: about a second a gigabyte. */
export async function checkTables(directory: string, names: readonly string[]): Promise<TableReport> {
  const unfinished: string[] = [];
  for (const name of names) {
    let file: Buffer;
    try {
      file = await readFile(join(directory, name));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') continue;
      throw error;
    }
    if (!hasFooter(file)) {
      unfinished.push(name);
      continue;
    }
    const damage = tableDamage(file);
    if (damage !== null) return { damage: `${name}: ${damage}`, unfinished };
  }
  return { damage: null, unfinished };
}

/**
 * Without it a table may be one that a crash cut off while it was being written and to which no part of the store
 * refers: harmless. When the store does refer to it, LevelDB refuses it as soon as it is read.
 */
function hasFooter(file: Buffer): boolean {
  return (
    file.length >= FOOTER_BYTES &&
    file.readUInt32LE(file.length - 8) === MAGIC_LOW &&
    file.readUInt32LE(file.length - 4) === MAGIC_HIGH
  );
}

/** What is wrong with a table that has its footer, or null. */
function tableDamage(file: Buffer): string | null {
  try {
    const footer = new Cursor(file.subarray(file.length - FOOTER_BYTES));
    const metaIndex = footer.handle();
    const index = footer.handle();
    const blocks = [...handlesIn(checkedBlock(file, metaIndex)), ...handlesIn(checkedBlock(file, index))];
    for (const block of blocks) checkBlock(file, block);
    // Together they fill the file: no byte is left that nothing vouches for.
    const checkedBytes = [...blocks, metaIndex, index].reduce(
      (sum, { size }) => sum + size + TRAILER_BYTES,
      FOOTER_BYTES,
    );
    return checkedBytes === file.length ? null : `its index speaks of ${checkedBytes} of its ${file.length} bytes`;
  } catch (error) {
    if (error instanceof TableDamage) return error.message;
    throw error;
  }
}

class TableDamage extends Error {}

function checkBlock(file: Buffer, { offset, size }: BlockHandle): void {
  const end = offset + size + 1;
  if (end + 4 > file.length - FOOTER_BYTES) throw new TableDamage(`a block at ${offset} leaves the file`);
  if (masked(crc32c(file.subarray(offset, end))) !== file.readUInt32LE(end))
    throw new TableDamage(`the checksum of the block at ${offset} is wrong`);
}

function checkedBlock(file: Buffer, handle: BlockHandle): Buffer {
  checkBlock(file, handle);
  const content = file.subarray(handle.offset, handle.offset + handle.size);
  const kind = file[handle.offset + handle.size];
  if (kind === PLAIN) return content;
  if (kind !== SNAPPY) throw new TableDamage(`the block at ${handle.offset} is packed in an unknown way`);
  return unpackSnappyBlock(content);
}

/** The handles that an index block holds as its values. Its entries share key prefixes; the keys do not matter here. */
function handlesIn(block: Buffer): BlockHandle[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const entries = new Cursor(block.subarray(0, block.length - 4 * (restarts + 1)));
  const handles: BlockHandle[] = [];
  while (!entries.done) {
    entries.varint();
    const ownKeyBytes = entries.varint();
    const valueBytes = entries.varint();
    entries.skip(ownKeyBytes);
    const end = entries.at + valueBytes;
    handles.push(entries.handle());
    entries.skip(end - entries.at);
  }
  return handles;
}

class Cursor {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  skip(count: number): void {
    this.at += count;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined || factor > 2 ** 49) throw new TableDamage('a length or position in it is no number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  handle(): BlockHandle {
    const offset = this.varint();
    return { offset, size: this.varint() };
  }
}
