import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions, textOf } from '../options.ts';
import type { Serde } from '../topology/serdes.ts';
import type { StoreSpec } from './typed-store.ts';

export type KeyValueStoreSpec<V = unknown, K = unknown> = StoreSpec<V, K> & { readonly kind: 'key-value' };
export type WindowStoreSpec<V = unknown, K = unknown> = StoreSpec<V, K> & { readonly kind: 'window' };
export type SessionStoreSpec<V = unknown, K = unknown> = StoreSpec<V, K> & { readonly kind: 'session' };
export type VersionedStoreSpec<V = unknown, K = unknown> = StoreSpec<V, K> & { readonly kind: 'versioned' };

/** What stores of all kinds are declared with. */
export interface StoreOptions<V, K> {
  /** Of the keys. Default: `stringSerde`. */
  readonly key?: Serde<K>;
  /** Of the values. */
  readonly value: Serde<V>;
  /** Its rows are kept in memory instead of on disk, and restored from the changelog at each start. Default: false. */
  readonly inMemory?: boolean;
  /**
   * False: it has no changelog. Its rows are gone with the disk, when the task moves to another instance, and after a
   * crash. Kafka Streams: `withLoggingDisabled`. Default: true.
   */
  readonly changelog?: boolean;
}

export interface WindowStoreOptions<V, K> extends StoreOptions<V, K> {
  readonly sizeMs: number;
  /** How far a window's end may lie behind stream time before the window is deleted. */
  readonly retentionMs: number;
  /** Rows of one key and start are kept side by side, in the order in which they were put. */
  readonly retainDuplicates?: boolean;
}

export interface SessionStoreOptions<V, K> extends StoreOptions<V, K> {
  /** How far a session's end may lie behind stream time before the session is deleted. */
  readonly retentionMs: number;
}

export interface VersionedStoreOptions<V, K> extends StoreOptions<V, K> {
  /** How far back values can be asked for, behind the newest time that was put. */
  readonly historyMs: number;
}

const COMMON: readonly (keyof StoreOptions<unknown, unknown>)[] = ['key', 'value', 'inMemory', 'changelog'];

/**
 * A store of keys and values, for processors: Kafka Streams' `Stores.keyValueStoreBuilder`.
 * @throws StreamsError CONFIG_INVALID for what is no option, and for options that cannot be.
 */
export function keyValueStore<V, K = string>(name: string, options: StoreOptions<V, K>): KeyValueStoreSpec<V, K> {
  return { ...common(`keyValueStore("${name}")`, name, options, []), kind: 'key-value' };
}

/**
 * A store of keys, windows and values: Kafka Streams' `Stores.windowStoreBuilder`.
 * @throws StreamsError as `keyValueStore`.
 */
export function windowStore<V, K = string>(name: string, options: WindowStoreOptions<V, K>): WindowStoreSpec<V, K> {
  const what = `windowStore("${name}")`;
  const rest = common(what, name, options, ['sizeMs', 'retentionMs', 'retainDuplicates']);
  const { sizeMs, retentionMs, retainDuplicates = false } = options;
  checkFlags(what, { retainDuplicates });
  checkMs(what, { sizeMs }, 1);
  checkMs(what, { retentionMs }, 0);
  return {
    ...rest,
    kind: 'window',
    windowSizeMs: sizeMs,
    retentionMs,
    ...(retainDuplicates ? { retainDuplicates } : {}),
  };
}

/**
 * A store of keys, sessions and values: Kafka Streams' `Stores.sessionStoreBuilder`.
 * @throws StreamsError as `keyValueStore`.
 */
export function sessionStore<V, K = string>(name: string, options: SessionStoreOptions<V, K>): SessionStoreSpec<V, K> {
  const what = `sessionStore("${name}")`;
  const rest = common(what, name, options, ['retentionMs']);
  const { retentionMs } = options;
  checkMs(what, { retentionMs }, 0);
  return { ...rest, kind: 'session', retentionMs };
}

/**
 * A store of keys and values that knows what was valid when: Kafka Streams' `Stores.versionedKeyValueStoreBuilder`.
 * @throws StreamsError as `keyValueStore`.
 */
export function versionedStore<V, K = string>(
  name: string,
  options: VersionedStoreOptions<V, K>,
): VersionedStoreSpec<V, K> {
  const what = `versionedStore("${name}")`;
  const rest = common(what, name, options, ['historyMs']);
  const { historyMs } = options;
  checkMs(what, { historyMs }, 0);
  return { ...rest, kind: 'versioned', historyMs };
}

function common<V, K>(
  what: string,
  name: string,
  options: StoreOptions<V, K>,
  more: readonly string[],
): Omit<StoreSpec<V, K>, 'kind'> {
  checkOptions(what, options, [...COMMON, ...more]);
  const { key, value, inMemory = false, changelog = true } = options;
  checkSerde(`value of ${what}`, value);
  if (key !== undefined) checkSerde(`key of ${what}`, key);
  checkFlags(what, { inMemory, changelog });
  return {
    name,
    serde: value,
    indexed: true,
    ...(key === undefined ? {} : { key }),
    ...(inMemory ? { inMemory } : {}),
    ...(changelog ? {} : { changelog }),
  };
}

function checkFlags(what: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [option, given] of Object.entries(flags))
    if (typeof given !== 'boolean')
      throw new StreamsError('CONFIG_INVALID', `${option} of ${what} is true or false, not ${textOf(given)}`);
}

function checkSerde(what: string, serde: unknown): void {
  if (typeof serde !== 'object' || serde === null)
    throw new StreamsError('CONFIG_INVALID', `${what} is a serde, not ${textOf(serde)}`);
  checkFunctions(what, serde, ['serialize', 'deserialize']);
}

function checkMs(what: string, option: Readonly<Record<string, unknown>>, least: number): void {
  for (const [name, value] of Object.entries(option))
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw new StreamsError(
        'CONFIG_INVALID',
        `${name} of ${what} is a whole number of milliseconds from ${String(least)} on, not ${textOf(value)}`,
      );
}
