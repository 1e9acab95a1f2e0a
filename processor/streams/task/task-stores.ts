import { StreamsError } from '../errors.ts';
import { createKeyValueStore } from '../store/key-value-store.ts';
import { isIndexed, type StoreIndexes } from '../store/load-indexes.ts';
import { noCache, RecordCache, type StoreCache } from '../store/record-cache.ts';
import { createSessionStore } from '../store/session-store.ts';
import type { StateStore, StoreChange } from '../store/state-store.ts';
import type {
  BufferedStore,
  ExpiringStore,
  LiveKeyValueStore,
  LiveSessionStore,
  LiveVersionedStore,
  LiveWindowStore,
  StoreSpec,
} from '../store/typed-store.ts';
import { createVersionedStore, type VersionIndex } from '../store/versioned-store.ts';
import { createWindowStore } from '../store/window-store.ts';

/** Expired rows deleted in one commit: bounds the tombstones of a transaction. */
const EXPIRY_LIMIT = 5_000;

/** A store of a task, of its kind. */
type TaskStore =
  | { readonly kind: 'key-value'; readonly store: LiveKeyValueStore<unknown, unknown> }
  | { readonly kind: 'window'; readonly store: LiveWindowStore<unknown, unknown> }
  | { readonly kind: 'session'; readonly store: LiveSessionStore<unknown, unknown> }
  | { readonly kind: 'versioned'; readonly store: LiveVersionedStore<unknown, unknown> };

type StoreOf<Kind extends TaskStore['kind']> = Extract<TaskStore, { readonly kind: Kind }>['store'];

interface TaskStoresOptions {
  readonly taskId: string;
  readonly specs: readonly StoreSpec[];
  /** Absent when there are none. */
  readonly state: StateStore | undefined;
  /** Of the stores that have one. */
  readonly indexes: StoreIndexes | undefined;
  /** Undefined: no committed rows are kept in memory. */
  readonly cache: RecordCache | undefined;
  /** A put of a versioned store was older than its history. */
  readonly onLatePut: () => void;
}

/** The stores of one task, open over its committed state. */
export class TaskStores {
  readonly #taskId: string;
  readonly #stores = new Map<string, TaskStore>();
  readonly #buffered: readonly BufferedStore[];
  readonly #expiring: readonly (BufferedStore & ExpiringStore)[];
  /** Of the stores that know which rows they have. */
  #ownCache: RecordCache | undefined;

  constructor({ taskId, specs, state, indexes, cache, onLatePut }: TaskStoresOptions) {
    this.#taskId = taskId;
    for (const spec of specs) {
      if (state === undefined)
        throw new StreamsError('THREAD_FAILED', `task ${taskId} has stores but no place to keep them`, { taskId });
      const index = indexes?.get(spec.name);
      if (index === undefined && isIndexed(spec))
        throw new StreamsError('THREAD_FAILED', `the keys of the store "${spec.name}" are not loaded`, { taskId });
      this.#stores.set(spec.name, opened(spec, state, index, this.#cacheOf(spec, state, cache), onLatePut));
    }
    const stores = [...this.#stores.values()];
    this.#buffered = stores.map(({ store }) => store);
    this.#expiring = stores.flatMap((one) => (one.kind === 'key-value' ? [] : one.store));
  }

  #cacheOf(spec: StoreSpec, state: StateStore, cache: RecordCache | undefined): StoreCache {
    // Rows that are in memory already are read from there.
    if (spec.inMemory === true) return noCache();
    if (spec.retainDuplicates !== true || state.leaveRows === undefined) return cache?.open() ?? noCache();
    const ownBytes = state.leaveRows(spec.name);
    this.#ownCache ??= new RecordCache(ownBytes);
    return this.#ownCache.open();
  }

  /** @throws StreamsError TOPOLOGY_INVALID for a store that the task does not have. */
  get<Kind extends TaskStore['kind']>(name: string, kind: Kind): StoreOf<Kind> {
    const found = this.#stores.get(name);
    if (found?.kind === kind) return found.store as StoreOf<Kind>;
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `task ${this.#taskId} has no ${kind} store "${name}"; name it in process(…, { stores: ["${name}"] })`,
      { taskId: this.#taskId },
    );
  }

  /** The changes of all of them since the last commit. */
  flush(): StoreChange[] {
    const [first, ...more] = this.#buffered;
    const changes = first?.flush() ?? [];
    for (const store of more) for (const change of store.flush()) changes.push(change);
    return changes;
  }

  /**
   * Deletes what stream time has left behind, a bounded number of rows at a time; `isLeft`: there may be more.
   * `timeOf`: the stream time of the step that has the store of this name.
   */
  async expire(
    timeOf: (store: string) => number,
  ): Promise<{ readonly tombstones: StoreChange[]; readonly isLeft: boolean }> {
    const tombstones: StoreChange[] = [];
    let isLeft = false;
    for (const store of this.#expiring) {
      const streamTimeMs = timeOf(store.name);
      if (streamTimeMs < 0) continue;
      const expired = await store.expireBefore(streamTimeMs - store.retentionMs, EXPIRY_LIMIT);
      if (expired.length === EXPIRY_LIMIT) isLeft = true;
      for (const tombstone of expired) tombstones.push(tombstone);
    }
    return { tombstones, isLeft };
  }

  /** After a commit of what `flush` and `expire` have given. */
  committed(): void {
    for (const store of this.#buffered) store.committed();
  }

  /** What they keep in memory goes. */
  close(): void {
    for (const store of this.#buffered) store.close();
  }
}

function opened(
  spec: StoreSpec,
  state: StateStore,
  index: ReturnType<StoreIndexes['get']>,
  cache: StoreCache,
  onLatePut: () => void,
): TaskStore {
  const { kind } = spec;
  switch (kind) {
    case 'key-value':
      return { kind, store: createKeyValueStore(spec, state, index, cache) };
    case 'window':
      return { kind, store: createWindowStore(spec, state, index, cache) };
    case 'session':
      return { kind, store: createSessionStore(spec, state, index as NonNullable<typeof index>) };
    case 'versioned':
      return { kind, store: createVersionedStore(spec, state, index as VersionIndex, onLatePut, cache) };
  }
}
