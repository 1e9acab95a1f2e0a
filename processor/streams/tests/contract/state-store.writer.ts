import { openLevelDbStore } from '../../store/leveldb-store.ts';
import type { StateStore, StoreBatch, StoreChange } from '../../store/state-store.ts';

/**
 * Batch number n is always the same, and each one changes every record of which it speaks: the contents of a store and
 * its changelog offset then say together whether it is the state after that many batches, or one that never was.
 */
export function numberedBatch(n: number): StoreBatch {
  const changes: StoreChange[] = [];
  let random = n * 2_654_435_761;
  for (let i = 0; i < 40; i++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const key = Buffer.from(`key-${String(random % 1_500).padStart(5, '0')}`);
    const value = random % 7 === 0 ? null : Buffer.from(`value of batch ${n}, ${random.toString(36).repeat(4)}`);
    changes.push({ store: i % 2 === 0 ? 'counts-by-state' : 'counts-by-state-minute', key, value });
  }
  return { changes, changelogOffsets: new Map([['log-0', n]]), inputOffsets: new Map([['in-0', n * 10]]) };
}

/** The contents after each batch, worked out without any store. */
export class NumberedModel {
  readonly contents = new Map<string, string>();
  batches = 0;

  advanceTo(n: number): this {
    for (; this.batches < n; this.batches++) {
      for (const { store, key, value } of numberedBatch(this.batches + 1).changes) {
        if (value === null) this.contents.delete(`${store} ${key}`);
        else this.contents.set(`${store} ${key}`, value.toString());
      }
    }
    return this;
  }
}

export async function storeContents(store: StateStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of ['counts-by-state', 'counts-by-state-minute']) {
    for await (const [key, value] of store.entries(name)) found.set(`${name} ${key}`, value.toString());
  }
  return found;
}

export const IDENTITY = { applicationId: 'contract', taskId: '1_0' };

/** Small enough that tables are written and compacted all the time. */
export const SMALL_BUFFERS = { identity: IDENTITY, writeBufferBytes: 64 << 10 };

/**
 * Run as a program: commits numbered batches to the given directory until it is killed, one line per acknowledged
 * commit.
 */
if (import.meta.main) {
  const store = await openLevelDbStore(String(process.argv[2]), SMALL_BUFFERS);
  for (let n = (store.offsets().changelog.get('log-0') ?? 0) + 1; ; n++) {
    await store.commit(numberedBatch(n));
    process.stdout.write(`${n}\n`);
  }
}
