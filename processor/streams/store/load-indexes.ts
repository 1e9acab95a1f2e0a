import { CompositeIds, type DiskLayout } from './composite-ids.ts';
import { DUPLICATES_LAYOUT } from './duplicates-store.ts';
import { WINDOW_LAYOUT } from './indexed-window-store.ts';
import { KeyIndex } from './key-index.ts';
import { isRuntimeRow } from './runtime-rows.ts';
import { SESSION_LAYOUT } from './session-store.ts';
import type { StateStore } from './state-store.ts';
import { storeKeys } from './store-keys.ts';
import type { StoreSpec } from './typed-store.ts';
import { isDeletedVersion, VersionIndex, VERSIONED_LAYOUT } from './versioned-store.ts';

/** The keys of each store that has an index, by the store's name. */
export type StoreIndexes = ReadonlyMap<string, KeyIndex>;

/** Whether rows of a store can be gone through. Sessions and duplicates are found in no other way. */
export function isIndexed({ kind, indexed = false, retainDuplicates = false }: StoreSpec): boolean {
  return indexed || retainDuplicates || kind === 'session' || kind === 'versioned';
}

/** Of stores that are empty. */
export function emptyIndexes(specs: readonly StoreSpec[]): StoreIndexes {
  return new Map(
    specs.filter(isIndexed).map(({ name, kind }) => [name, kind === 'versioned' ? new VersionIndex() : new KeyIndex()]),
  );
}

/** Reads the keys of all stores with an index: when a task's store is open and restored, before its graph is made. */
export async function loadIndexes(specs: readonly StoreSpec[], store: StateStore | undefined): Promise<StoreIndexes> {
  const indexes = new Map<string, KeyIndex>();
  for (const spec of specs) {
    if (!isIndexed(spec)) continue;
    const textOf = indexTextOf(spec);
    const texts: string[] = [];
    if (spec.kind === 'versioned') {
      indexes.set(spec.name, await loadVersions(spec.name, store, textOf));
      continue;
    }
    if (store !== undefined)
      for await (const keys of store.keys(spec.name))
        for (const key of keys) if (!isRuntimeRow(key)) texts.push(textOf(key));
    indexes.set(spec.name, new KeyIndex(texts));
  }
  return indexes;
}

async function loadVersions(
  name: string,
  store: StateStore | undefined,
  textOf: (key: Buffer) => string,
): Promise<VersionIndex> {
  const texts: string[] = [];
  const deleted = new Set<string>();
  if (store !== undefined)
    for await (const [key, value] of store.entries(name)) {
      if (isRuntimeRow(key)) continue;
      const text = textOf(key);
      texts.push(text);
      if (isDeletedVersion(value)) deleted.add(text);
    }
  return new VersionIndex(texts, deleted);
}

/** What stands for a row in the index of its store, by its key on disk. */
function indexTextOf(spec: StoreSpec): (key: Buffer) => string {
  const layout = layoutOf(spec);
  if (layout === undefined) return (key) => key.toString('latin1');
  const ids = new CompositeIds(storeKeys(spec.key), layout);
  return (key) => ids.textOf(ids.idOfBytes(key));
}

/** How the keys of its rows are put together; undefined: a row has nothing but its key. */
export function layoutOf({
  kind,
  retainDuplicates = false,
}: Pick<StoreSpec, 'kind' | 'retainDuplicates'>): DiskLayout | undefined {
  switch (kind) {
    case 'key-value':
      return undefined;
    case 'window':
      return retainDuplicates ? DUPLICATES_LAYOUT : WINDOW_LAYOUT;
    case 'session':
      return SESSION_LAYOUT;
    case 'versioned':
      return VERSIONED_LAYOUT;
  }
}
