import type { GraphQLError } from 'graphql';
import { isRuntimeRow, type Logger, type StreamsError } from '@tributary/streams';
import { messageOf, type OwnerAnswer } from '@tributary/streams/operations';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { type Row, rowName } from '../tables/row.ts';
import { isOfRegistry } from '../types/value-reader.ts';
import { schemaAway } from './owner-errors.ts';

/** Where a row was read. */
export interface RowOrigin {
  readonly partition: number;
  /** Of the record; of a row of an owner the last offset that it has seen. */
  readonly offset: number;
  /** The record's Kafka timestamp, epoch milliseconds; 0 where it is not known. */
  readonly timestampMs: number;
}

export interface OwnerRowsOptions {
  readonly declared: DeclaredTable;
  readonly logger: Logger;
  /** Told of each row that has become unreadable. */
  readonly onUnreadable: () => void;
  /** Told of each row that is read, its key as latin1. */
  readonly onRow?: ((keyText: string, partition: number) => void) | undefined;
}

const TIME_BYTES = 8;
/** So many unreadable rows are known by their keys; more than these are counted no further. */
const MOST_UNREADABLE = 1_000;

/** Makes rows of the bytes that owners and changelogs have; what cannot be read is left out, counted and logged. */
export class OwnerRows {
  readonly #options: OwnerRowsOptions;
  readonly #unreadable = new Set<string>();
  /** The schema registry gave no schema the last time that one was needed. */
  #isSchemaAway = false;

  constructor(options: OwnerRowsOptions) {
    this.#options = options;
  }

  /** Of how many rows that were looked at the newest value cannot be read. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  /** A row of an owner's answer. `value`: null where it has none. */
  ofAnswer(
    key: Uint8Array,
    value: Uint8Array | null,
    { position, timed }: Pick<OwnerAnswer, 'position' | 'timed'>,
    partition: number,
  ): Row | null {
    if (value === null) return null;
    const bytes = bufferOf(value);
    const timeMs = timed && bytes.length >= TIME_BYTES ? bytes.readDoubleBE(0) : 0;
    const origin = { partition, offset: position - 1, timestampMs: timeMs > 0 ? timeMs : 0 };
    return this.read(bufferOf(key), timed ? bytes.subarray(TIME_BYTES) : bytes, origin);
  }

  /**
   * Null for a row of the runtime's own, and for a value that cannot be read.
   * @throws GraphQLError NOT_READY for a row whose schema the registry does not give.
   */
  read(keyBytes: Buffer, valueBytes: Buffer, origin: RowOrigin): Row | null {
    if (isRuntimeRow(keyBytes)) return null;
    const { declared } = this.#options;
    const keyText = keyBytes.toString('latin1');
    this.see(keyText, origin.partition);
    try {
      const key = declared.key.serde.deserialize(keyBytes);
      const row: Row = {
        name: rowName('key-value', keyText, 0, 0),
        key: key === keyText ? keyText : key,
        keyText,
        startMs: 0,
        endMs: 0,
        value: declared.readValue(valueBytes),
        ...origin,
        bytes: keyBytes.length + valueBytes.length,
      };
      this.#unreadable.delete(keyText);
      this.#isSchemaAway = false;
      return row;
    } catch (error) {
      if (isOfRegistry(error)) throw this.#schemaAway(origin, error);
      this.#note(keyText, origin, error);
      return null;
    }
  }

  /** A row lies there, whatever is in it. */
  see(keyText: string, partition: number): void {
    this.#options.onRow?.(keyText, partition);
  }

  /** The row of this key is another one, or is not there any more. */
  forget(keyText: string): void {
    this.#unreadable.delete(keyText);
  }

  #schemaAway({ partition, offset }: RowOrigin, { code, message }: StreamsError): GraphQLError {
    const { declared, logger } = this.#options;
    if (!this.#isSchemaAway)
      logger.error(
        { table: declared.name, partition, offset, code, error: message },
        'the schema registry gives no schema that a row of an owner needs: who asks for it, or follows it, is ' +
          'answered NOT_READY',
      );
    this.#isSchemaAway = true;
    return schemaAway(declared.name);
  }

  #note(keyText: string, { partition, offset }: RowOrigin, error: unknown): void {
    if (this.#unreadable.has(keyText) || this.#unreadable.size >= MOST_UNREADABLE) return;
    this.#unreadable.add(keyText);
    const { declared, logger, onUnreadable } = this.#options;
    onUnreadable();
    logger.error(
      { table: declared.name, partition, offset, reason: messageOf(error) },
      'a row of an owner cannot be read and is left out. What writes the store has not written it as it is declared: ' +
        'stop it, or declare it so; the next change of the key, or a tombstone, takes its place',
    );
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
