import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32c } from '../kafka/native-codecs.ts';
import { masked, writeVarint } from './table-format.ts';
import { LAST_SEQUENCE, type WrittenTable } from './table-writer.ts';

/** What a LevelDB of seven levels merges into a lower level when a level has more bytes, level by level from 2 on. */
const LEVEL_BYTES = 100 * 2 ** 20;
const FIRST_LEVEL = 2;
const LAST_LEVEL = 6;
const COMPARATOR = 'leveldb.BytewiseComparator';
const TAG = { comparator: 1, logNumber: 2, nextFile: 3, lastSequence: 4, newFile: 7, prevLogNumber: 9 } as const;
const LOG_BLOCK_BYTES = 32_768;
const LOG_HEAD_BYTES = 7;
const WHOLE = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;
const NUMBER_DIGITS = 6;
const MOST_WRITES = 3;
/** LevelDB's own next number is not known; it is above those of its files, by fewer than this. */
const SPARE_NUMBERS = 100;

/**
 * Writes tables into the directory of a LevelDB that has nothing to do, and makes them all that it holds, at one
 * moment: when CURRENT names the new manifest. Before that the database is what it was, and LevelDB deletes the tables
 * when it opens; after it, it deletes what was there before.
 */
export class TableFiles {
  readonly #directory: string;
  readonly #tables: { number: number; size: number; smallest: Buffer; largest: Buffer }[] = [];
  #next: number;
  readonly #written: string[] = [];
  readonly #newCurrent: string;
  /** Of tables that are written: memory of megabytes for each would have V8 collect garbage every few of them. */
  readonly #rooms: Buffer[] = [];
  /** Tables that are being written. */
  readonly #writing = new Set<Promise<void>>();

  private constructor(directory: string, next: number) {
    this.#directory = directory;
    this.#next = next;
    this.#newCurrent = `${digits(this.#number())}.dbtmp`;
  }

  static async begin(directory: string): Promise<TableFiles> {
    const numbers = (await readdir(directory)).map((name) => Number(/\d+/.exec(name)?.[0] ?? 0));
    return new TableFiles(directory, Math.max(0, ...numbers) + SPARE_NUMBERS);
  }

  /** Resolves when there is room for another one: a few are written at a time. */
  async add({ bytes, room, smallest, largest }: WrittenTable): Promise<void> {
    const number = this.#number();
    this.#tables.push({ number, size: bytes.length, smallest, largest });
    const writing = this.#write(`${digits(number)}.ldb`, bytes);
    // Of several that fail the first one is told of, by whoever waits for it.
    writing.catch(() => undefined);
    this.#writing.add(writing);
    void writing.then(
      () => {
        this.#writing.delete(writing);
        this.#rooms.push(room);
      },
      () => undefined,
    );
    if (this.#writing.size >= MOST_WRITES) await Promise.race(this.#writing);
    // Others have their turn between two tables.
    else await nextTurn();
  }

  /** For the next table; undefined: there is none yet. */
  takeRoom(): Buffer | undefined {
    return this.#rooms.pop();
  }

  /** All is on the disk, but for the switch; none of the tables' ranges of keys may meet another one. */
  async finish(): Promise<void> {
    await Promise.all(this.#writing);
    const manifest = `MANIFEST-${digits(this.#number())}`;
    const logNumber = this.#number();
    await this.#write(manifest, logRecords(this.#edit(logNumber)));
    await this.#write(this.#newCurrent, `${manifest}\n`);
  }

  /** The database is what the tables hold, from now on. */
  async switchOver(): Promise<void> {
    await rename(join(this.#directory, this.#newCurrent), join(this.#directory, 'CURRENT'));
  }

  /** Where it has not been switched to, nothing is left of it, nor is written later. */
  async remove(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await Promise.allSettled(this.#written.map((name) => rm(join(this.#directory, name), { force: true })));
  }

  #write(name: string, content: Buffer | string): Promise<void> {
    this.#written.push(name);
    return writeFile(join(this.#directory, name), content, { flush: true });
  }

  #edit(logNumber: number): Buffer {
    const total = this.#tables.reduce((sum, { size }) => sum + size, 0);
    let level = FIRST_LEVEL;
    for (let most = LEVEL_BYTES; level < LAST_LEVEL && total > most / 2; most *= 10) level += 1;
    const parts = [
      ...[varint(TAG.comparator), text(Buffer.from(COMPARATOR, 'latin1'))],
      ...[varint(TAG.logNumber), varint(logNumber)],
      ...[varint(TAG.prevLogNumber), varint(0)],
      ...[varint(TAG.nextFile), varint(this.#next + 1)],
      ...[varint(TAG.lastSequence), varint(LAST_SEQUENCE)],
    ];
    for (const { number, size, smallest, largest } of this.#tables)
      parts.push(varint(TAG.newFile), varint(level), varint(number), varint(size), text(smallest), text(largest));
    return Buffer.concat(parts);
  }

  #number(): number {
    this.#next += 1;
    return this.#next;
  }
}

function digits(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, '0');
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  return bytes.subarray(0, writeVarint(bytes, value, 0));
}

function text(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** One record of a log of LevelDB's, in as many parts as it has blocks. */
function logRecords(record: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  do {
    const end = Math.min(record.length, at + LOG_BLOCK_BYTES - LOG_HEAD_BYTES);
    const isLast = end === record.length;
    const kind = at === 0 ? (isLast ? WHOLE : FIRST) : isLast ? LAST : MIDDLE;
    const part = Buffer.alloc(LOG_HEAD_BYTES + end - at);
    part.writeUInt16LE(end - at, 4);
    part[6] = kind;
    record.copy(part, LOG_HEAD_BYTES, at, end);
    part.writeUInt32LE(masked(crc32c(part.subarray(6))), 0);
    parts.push(part);
    at = end;
  } while (at < record.length);
  return Buffer.concat(parts);
}
