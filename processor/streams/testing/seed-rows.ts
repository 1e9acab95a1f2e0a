import { messageOf, StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import { CompositeIds } from '../store/composite-ids.ts';
import { layoutOf } from '../store/load-indexes.ts';
import { storeKeys, type StoreKeys } from '../store/store-keys.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { StoreRow } from './committed-rows.ts';

/** A row for a store before the first record. */
export interface SeedRow<V, K = string> extends StoreRow<V, K> {
  /** Of the event time of its row; of a store whose rows have times. */
  readonly timestampMs?: number;
  /** Default: by key, as Kafka's partitioner does. */
  readonly partition?: number;
}

const SEED_OPTIONS: readonly (keyof SeedRow<unknown>)[] = [
  'key',
  'startMs',
  'endMs',
  'value',
  'partition',
  'timestampMs',
];

export function encodeSeedKey<K>(name: string, keys: StoreKeys<K>, key: K): Buffer {
  try {
    return keys.bytesOf(keys.idOf(key));
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', `seed("${name}"): ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The key of a row in its store. `number`: of rows before it.
 * @throws StreamsError CONFIG_INVALID for a row that is none of this store.
 */
export function seedKey<V, K>(spec: StoreSpec<V, K>, row: SeedRow<V, K>, number: number): Buffer {
  const { name, kind, key: serde, windowSizeMs = 0 } = spec;
  const what = `a row of seed("${name}")`;
  checkOptions(what, row, SEED_OPTIONS);
  // A version has a time, no window: of the row that `rows` gave of a versioned store it is not known.
  const { timestampMs = 0 } = row;
  const { key, startMs = kind === 'versioned' ? timestampMs : undefined, endMs, value } = row;
  const keys = storeKeys(serde);
  const refused = (why: string): StreamsError => new StreamsError('CONFIG_INVALID', `${what} ${why}`);
  if (value === null || value === undefined) throw refused('has no value');
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0)
    throw refused(`has a timestampMs, a whole number of milliseconds from 0 on, not ${textOf(timestampMs)}`);
  const layout = layoutOf(spec);
  if (layout === undefined) {
    if (startMs !== undefined || endMs !== undefined) throw refused('has a window, and the store has none');
    return encodeSeedKey(name, keys, key);
  }
  if (startMs === undefined)
    throw refused(`has no startMs, and the store has ${kind === 'window' ? 'windows' : `${kind} rows`}`);
  if (kind === 'session' && endMs === undefined) throw refused('has no endMs, and the store has sessions');
  if (kind === 'window' && endMs !== undefined && endMs !== startMs + windowSizeMs)
    throw refused(
      `ends at ${String(endMs)}: a window of ${String(windowSizeMs)} ms ends at ${String(startMs + windowSizeMs)}`,
    );
  const ids = new CompositeIds(keys, layout);
  const numbers = kind === 'session' ? [endMs as number, startMs] : [startMs, number].slice(0, layout.numbers);
  try {
    return ids.bytesOf(ids.idOf(key, ...numbers));
  } catch (error) {
    throw refused(messageOf(error));
  }
}
