import { isUtf8 } from 'node:buffer';
import { messageOf, RESET_REMEDY, StreamsError } from '../errors.ts';
import { formerStreamTimeKey, isRuntimeRow } from '../store/runtime-rows.ts';
import { rowKeyOf } from '../store/row-key.ts';
import { storedSerde } from '../store/versioned-store.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { decodeWatermark } from '../task/watermark.ts';
import { knownOf, stringSerde } from '../topology/serdes.ts';
import { readStored } from '../topology/stored-value.ts';
import { recordPlace } from '../kafka/topic-partition.ts';

/** A record of a changelog. */
interface ChangelogRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Answers at less cost than a look at `key`; it may not be there. */
  readonly isKeyAscii?: boolean;
  /** Where its value lies, which costs less than a view of it; they may not be there. */
  readonly bytes?: Uint8Array;
  readonly valueAt?: number;
  readonly valueLength?: number;
}

/** @throws StreamsError INTERNAL_TOPIC_INVALID naming the record that the store did not write. */
export type RowCheck = (store: string, row: ChangelogRow) => void;

const FORMER_KEYS = { 'key-value': formerStreamTimeKey('key-value'), window: formerStreamTimeKey('window') };

/**
 * Looks at each row before it gets into a store: one that something else wrote would come to light as an error of user
 * code, at an innocent record, or as a wrong number.
 */
export function rowCheckOf(stores: readonly StoreSpec<unknown>[]): RowCheck {
  const specs = new Map(stores.map((spec) => [spec.name, { spec, takes: knownOf(storedSerde(spec)).takes }]));
  return (store, row) => {
    const found = specs.get(store);
    if (found === undefined) return;
    const { spec, takes } = found;
    const problem = problemOf(spec, row, takes);
    if (problem === undefined) return;
    const { topic, partition, offset } = row;
    throw new StreamsError(
      'INTERNAL_TOPIC_INVALID',
      `${recordPlace(row)} holds ${problem}: something other than this ` +
        `application writes to the changelog of the store "${store}". Stop it, and ${RESET_REMEDY}`,
      { topic, partition, offset, remedy: 'reset' },
    );
  };
}

type TakesBytes = ReturnType<typeof knownOf>['takes'];

/** What is wrong with a key of which `rowKeyOf` knows nothing. */
const WITHOUT_TIMES = {
  'key-value': 'a key that cannot be read',
  window: 'a key that begins with no time of a window',
  session: 'a key that begins with no times of a session',
  versioned: 'a key that ends with no time of a version',
};

function problemOf(spec: StoreSpec, row: ChangelogRow, takes: TakesBytes): string | undefined {
  const { kind } = spec;
  // The common case, at each row of a restore.
  const isText = ((spec.key ?? stringSerde) as unknown) === stringSerde;
  if (kind === 'key-value' && isText && row.isKeyAscii === true) {
    const { bytes, valueAt, valueLength } = row;
    const isTaken =
      bytes !== undefined && valueAt !== undefined && valueLength !== undefined && takes?.(bytes, valueAt, valueLength);
    return isTaken === true ? undefined : valueProblem(spec, row.value);
  }
  const { key, value } = row;
  if (key === null) return 'a row without a key';
  const isFormer = (kind === 'key-value' || kind === 'window') && key.equals(FORMER_KEYS[kind]);
  if (isFormer || isRuntimeRow(key)) {
    if (value === null || decodeWatermark(value) !== undefined) return undefined;
    // In a key-value store the former key may be a user's.
    if (!isFormer || kind === 'window') return 'a stream time that cannot be read';
  }
  const parts = rowKeyOf(spec, key);
  if (parts === undefined) return WITHOUT_TIMES[kind];
  const problem = keyProblem(spec, parts.key);
  return problem ?? valueProblem(spec, value);
}

function valueProblem(spec: StoreSpec, value: Buffer | null): string | undefined {
  if (value === null) return undefined;
  try {
    // mutant: stored-row
    readStored(storedSerde(spec), value);
    return undefined;
  } catch (error) {
    return `a row that cannot be read (${messageOf(error)})`;
  }
}

function keyProblem({ key: serde = stringSerde }: StoreSpec, key: Buffer): string | undefined {
  if ((serde as unknown) === stringSerde) return isUtf8(key) ? undefined : 'a key that is no text';
  try {
    readStored(serde, Buffer.from(key));
    return undefined;
  } catch (error) {
    return `a key that cannot be read (${messageOf(error)})`;
  }
}
