import type { JudgedMutation } from './topology-mutations.ts';

/*
 * Mistakes with bytes and with what lies on disks: what is written and read in parts, what of a record is kept, rows
 * that something else wrote, copies of a state directory. The cheapest suite that notices is the judge.
 */

const STREAMS = 'processor/streams';
const RECORD_SETS = `${STREAMS}/kafka/record-set.test.ts`;
const STATE_DIRECTORY = `${STREAMS}/store/state-directory.test.ts`;
const TYPED_STORES = `${STREAMS}/tests/contract/typed-stores.test.ts`;
const VALUES = `${STREAMS}/topology/user-code-kinds.test.ts`;

export const BYTES_MUTATIONS: readonly JudgedMutation[] = [
  {
    name: 'the second half of a batch that is split goes first',
    edits: [
      {
        mark: 'halves-in-order',
        replace:
          'batches.unshift({ records: records.slice(middle), codec }, { records: records.slice(0, middle), codec });',
      },
    ],
    judge: `${STREAMS}/writing/produce.test.ts`,
    red: /is split to what its topic takes/,
  },
  {
    name: 'a dead letter forgets how its record was packed',
    edits: [{ mark: 'codec-of-the-record', replace: 'codec: 0' }],
    judge: `${STREAMS}/writing/dead-letter.test.ts`,
    red: /packed as its record was/,
  },
  {
    name: 'a record that is too large is read whole, in pieces too',
    edits: [{ mark: 'cut-in-pieces', replace: '' }],
    judge: RECORD_SETS,
    red: /read in pieces/,
  },
  {
    name: 'each packed batch of a fetch has all the room',
    edits: [{ mark: 'room-of-all', replace: '' }],
    judge: RECORD_SETS,
    red: /a packed batch without room/,
  },
  {
    name: 'rows of a changelog are not read before they are stored',
    edits: [{ mark: 'stored-row', replace: '' }],
    judge: `${STREAMS}/reading/row-check.test.ts`,
    red: /did not write is named/,
  },
  {
    name: 'a restore looks at no row',
    edits: [{ mark: 'rows-checked', replace: 'check: () => undefined' }],
    judge: `${STREAMS}/task/task-manager.test.ts`,
    red: /refuses a row that something else wrote/,
  },
  {
    name: 'a restore forgets the times of rows',
    edits: [{ mark: 'times-restored', replace: '' }],
    judge: `${STREAMS}/reading/changelog-row.test.ts`,
    red: /come to have times/,
  },
  {
    name: 'a store is said to hold what it was loaded with, and its CURRENT file names other tables',
    edits: [{ mark: 'load-switch', replace: '' }],
    judge: `${STREAMS}/tests/contract/state-store.test.ts`,
    red: /a store that is loaded is the one/,
  },
  {
    name: 'a block of a load that ends with a long key is found by other bytes',
    edits: [{ mark: 'load-long-key', replace: '' }],
    judge: `${STREAMS}/tests/contract/state-store.test.ts`,
    red: /is found, where a key of 300 bytes ends a block/,
  },
  {
    name: 'a row that comes again in a load is there twice',
    edits: [{ mark: 'load-last-row', replace: '' }],
    judge: `${STREAMS}/store/loaded-rows.test.ts`,
    red: /of each key the last row counts/,
  },
  {
    name: 'a local store is used whose rows have another layout',
    edits: [{ mark: 'layout-checked', replace: '' }],
    judge: `${STREAMS}/reading/changelog-row.test.ts`,
    red: /come to have times/,
  },
  {
    name: 'a store without a changelog goes on with rows of another moment',
    edits: [{ mark: 'drop-unlogged', replace: '' }],
    judge: `${STREAMS}/task/unlogged-stores.test.ts`,
    red: /a store that is older/,
  },
  {
    name: 'keys of an aborted transaction stay among those that are gone through',
    edits: [{ mark: 'undone-keys', replace: '' }],
    judge: TYPED_STORES,
    red: /a versioned store|a window store/,
  },
  {
    name: 'a number of a session is taken for the one before a commit of which nobody knew',
    edits: [{ mark: 'undone-numbers', replace: '' }],
    judge: `${STREAMS}/store/session-store.test.ts`,
    red: /a committed number is read from memory/,
  },
  {
    name: 'a session that had a number keeps it behind what is none',
    edits: [{ mark: 'no-number-any-more', replace: '' }],
    judge: `${STREAMS}/store/session-store.test.ts`,
    red: /a committed number is read from memory/,
  },
  {
    name: 'what an aborted transaction has deleted of a store of duplicates stays deleted',
    edits: [{ mark: 'undone-rows', replace: '' }],
    judge: `${STREAMS}/store/duplicates-store.test.ts`,
    red: /an aborted commit leaves nothing behind/,
  },
  {
    name: 'what an aborted transaction has deleted of a store of sessions stays deleted',
    edits: [{ mark: 'undone-rows', replace: '' }],
    judge: TYPED_STORES,
    red: /a session store/,
  },
  {
    name: 'rows of an aborted transaction stay in the record cache',
    edits: [{ mark: 'cache-only-committed', condition: 'flushed !== undefined' }],
    judge: `${STREAMS}/store/cached-stores.test.ts`,
    red: /an abort leaves none of its values/,
  },
  {
    name: 'a row that has come is not among those that its store knows to have',
    edits: [{ mark: 'known-keys', replace: '' }],
    judge: `${STREAMS}/store/leveldb-store.test.ts`,
    red: /what it lacks is known without a read/,
  },
  {
    name: 'a row that was read stays as it was when it is written',
    edits: [{ mark: 'row-cache', replace: '' }],
    judge: `${STREAMS}/store/leveldb-store.test.ts`,
    red: /a row that was read is not read again/,
  },
  {
    name: 'a row that was read is there when it is deleted',
    edits: [{ mark: 'row-cache-removed', replace: '' }],
    judge: `${STREAMS}/store/leveldb-store.test.ts`,
    red: /all are what was committed last/,
  },
  {
    name: 'a row that is read while a commit is under way is what it was, or will be',
    edits: [{ mark: 'reads-in-commit', replace: '' }],
    judge: `${STREAMS}/store/leveldb-store.test.ts`,
    red: /while a commit is under way, rows are LevelDB’s/,
  },
  {
    name: 'a store is written to while it is gone through',
    edits: [{ mark: 'written-while-walking', replace: '' }],
    judge: TYPED_STORES,
    red: /while an iterator is under way/,
  },
  {
    name: 'a copy of a slot has the process id of the first',
    edits: [{ mark: 'copied-slot', replace: '' }],
    judge: STATE_DIRECTORY,
    red: /a copy of a slot/,
  },
  {
    name: 'everybody on the machine reads the stores',
    edits: [{ mark: 'owner-only', replace: 'await mkdir(path, { recursive: true });' }],
    judge: STATE_DIRECTORY,
    red: /nobody else on the machine/,
  },
  {
    name: 'two streams of one topic are given the same bytes',
    edits: [{ mark: 'own-bytes', replace: 'const [one, other] = [a.read(record), b.read(record)];' }],
    judge: VALUES,
    red: /has bytes of its own/,
  },
  {
    name: 'an aggregate keeps what a function goes on changing',
    edits: [{ mark: 'kept-behind-changes', replace: '' }],
    judge: VALUES,
    red: /keeps what it is given/,
  },
  {
    name: 'what a serde has written is kept as it is handed out',
    edits: [{ mark: 'own-serialized', replace: 'if (bytes instanceof Uint8Array) return bytes as Buffer;' }],
    judge: VALUES,
    red: /into the same bytes/,
  },
  {
    name: 'one name of several that does not resolve ends the start',
    edits: [{ mark: 'all-names-unknown', replace: 'return fatal;' }],
    judge: `${STREAMS}/kafka/kafka-errors.test.ts`,
    red: /of several names one may be unknown/,
  },
];
