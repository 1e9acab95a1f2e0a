import { withoutPatchOf, type Mutation } from '../support/mutant.ts';

const COMMIT = 'processor/streams/task/commit.ts';
const TAKE = 'processor/streams/task/initialise-task.ts';
const PRODUCER = 'processor/streams/writing/transactional-producer.ts';
const RESTORE = 'processor/streams/reading/changelog-reader.ts';
const TASKS = 'processor/streams/task/task-manager.ts';
const DECODER = 'processor/streams/kafka/record-batch.ts';
const LEVELDB = 'processor/streams/store/leveldb-store.ts';
const CLEAN_MARK = 'processor/streams/store/clean-mark.ts';

const COMMIT_OFFSETS = 'await producer.commit(input);';
const SEND = 'const acked = await producer.send(records, input);';
const SEND_ALONE = 'const acked = await producer.send(records);';
const AFTER_BATCH = "crashPoint('afterBatch');";

/** The offsets are durable before the records are: what dies between is lost. */
export const OFFSETS_BEFORE_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, before it',
  edits: [
    { file: COMMIT, find: COMMIT_OFFSETS, replace: 'await producer.commit({ offsets: new Map(), note: null });' },
    { file: COMMIT, find: SEND, replace: `${COMMIT_OFFSETS}\n  ${SEND_ALONE}` },
  ],
};

/** The offsets are durable after the records are: what dies between is doubled. */
export const OFFSETS_AFTER_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, after it',
  edits: [
    {
      file: COMMIT,
      find: SEND,
      replace: `${SEND_ALONE}\n  await producer.commit({ offsets: new Map(), note: null });`,
    },
  ],
};

/** The store holds what Kafka may yet abort. */
export const STORE_BEFORE_COMMIT: Mutation = {
  name: 'store batch written before the Kafka commit',
  edits: [
    { file: COMMIT, find: COMMIT_OFFSETS, replace: '' },
    { file: COMMIT, find: AFTER_BATCH, replace: `${AFTER_BATCH}\n  ${COMMIT_OFFSETS}` },
  ],
};

/** The same, and the store keeps no input offsets by which the next start would notice. */
export const STORE_BEFORE_COMMIT_UNNOTICED: Mutation = {
  name: 'store batch written before the Kafka commit, without input offsets',
  edits: [
    ...STORE_BEFORE_COMMIT.edits,
    { file: COMMIT, find: 'inputOffsets: offsets', replace: 'inputOffsets: new Map()' },
  ],
};

/**
 * After an error the same producer, with the same epoch, goes on: what was left on its way is not fenced off. It does
 * harm only where a late EndTxn comes upon records whose offsets are not there yet, a few milliseconds of each commit:
 * faults at random moments do not show it, `commitIntoNextTransaction` of tests/support/late-commit.ts does.
 */
export const REUSED_PRODUCER: Mutation = {
  name: 'producer reused after an error',
  edits: [
    {
      file: TAKE,
      find: 'task.producer = context.createProducer(task);',
      replace: 'task.producer ??= context.createProducer(task);',
    },
    {
      file: PRODUCER,
      find: 'if (this.#identity === undefined || this.#broken)',
      replace: 'if (this.#identity === undefined)',
    },
    {
      file: PRODUCER,
      find: 'async init(signal: AbortSignal): Promise<void> {',
      replace: 'async init(signal: AbortSignal): Promise<void> {\n    if (this.#identity !== undefined) return;',
    },
    { file: PRODUCER, find: 'await this.#cluster.disconnect();', replace: '' },
    {
      file: PRODUCER,
      find: 'await coordinator.endTxn({ ...identity, transactionResult: false });',
      replace: 'await coordinator.endTxn({ ...identity, transactionResult: false });\n      this.#added.clear();',
    },
  ],
};

/** A restore that does not go on to the end leaves the store behind the group. */
export const RESTORE_STOPS_SHORT: Mutation = {
  name: 'restore trusts the store and does not read the rest of the changelog',
  edits: [
    {
      file: RESTORE,
      find: 'ends.set(name, end);',
      replace: 'ends.set(name, store.offsets().changelog.get(name) ?? end);',
    },
  ],
};

/** What the old owner commits between the two is read again, and counted again. */
export const OFFSETS_BEFORE_FENCE: Mutation = {
  name: 'committed offsets read before the fence',
  edits: [
    {
      file: TAKE,
      find: 'await context.fences.pass(',
      replace:
        'await context.cluster.track(task.inputs.map((i) => i.topic));\n  const committed = await ' +
        'context.cluster.committed(context.applicationId, task.inputs);\n  await context.fences.pass(',
    },
    {
      file: TAKE,
      find: 'const committed = await committedOffsets(task, context);\n  await expectLag',
      replace: 'await expectLag',
    },
  ],
};

/** The records of the transaction that failed are never read again. */
export const NO_SEEK_AFTER_ABORT: Mutation = {
  name: 'no seek back after an abort',
  edits: [
    {
      file: TASKS,
      find: "this.#options.onStopped(task);\n    task.state.to('SUSPENDED');",
      replace: "task.state.to('SUSPENDED');",
    },
    {
      file: TASKS,
      find: 'readonly #byInput =',
      replace: 'readonly #started = new Set<StreamTask>();\n  readonly #byInput =',
    },
    {
      file: TASKS,
      find: 'onRunning(task, offsets);',
      replace: 'if (!this.#started.has(task)) onRunning(task, offsets);\n        this.#started.add(task);',
    },
  ],
};

/** What the failed transaction had counted is still there when its records are read again. */
export const BUFFERS_KEPT_AFTER_ABORT: Mutation = {
  name: 'buffers not dropped after an abort',
  edits: [
    { file: TASKS, find: 'task.abort();', replace: '' },
    { file: TAKE, find: 'task.graph = context.createGraph', replace: 'task.graph ??= context.createGraph' },
  ],
};

/** Nobody waits for a process that comes back: its tasks move. */
export const NO_STATIC_MEMBERSHIP: Mutation = {
  name: 'no static membership',
  edits: [
    {
      file: 'processor/streams/thread/stream-thread.ts',
      find: 'groupInstanceId: init.groupInstanceId,',
      replace: 'groupInstanceId: null as never,',
    },
  ],
};

/** A thread that has been told of a rebalance throws out the new owner of a task it had. */
export const GATE_ALWAYS_OPEN: Mutation = {
  name: 'fence gate always open',
  edits: [{ file: 'processor/streams/task/fence-gate.ts', find: 'while (!this.#open) {', replace: 'while (false) {' }],
};

/** The task of a dead owner is restored from the beginning, beside a process that has all of it. */
export const STANDBY_IGNORED: Mutation = {
  name: 'assignor ignores standbys',
  edits: [
    {
      file: 'processor/streams/group/partition-assignor.ts',
      find:
        "open = open.filter((task) => !heldBy(task, 'standby').some(({ memberId }) => " +
        'shares.giveIgnoringSubTopology(memberId, task)));',
      replace: '',
    },
  ],
};

/** Whatever the fastest source has passed is late for all the others. */
export const STREAM_TIME_IS_A_MAXIMUM: Mutation = {
  name: 'stream time is the maximum over sources',
  edits: [
    { file: 'processor/streams/task/watermark.ts', find: 'behind === Infinity ? newest : behind', replace: 'newest' },
  ],
};

/** Orders of years ago are late by the time of customers of today, if those came first. */
export const ANY_INPUT_FIRST: Mutation = {
  name: 'inputs of a task in the order of declaration',
  edits: [
    {
      file: 'processor/streams/task/partition-group.ts',
      find: 'first === undefined || timeMs < firstMs',
      replace: 'first === undefined',
    },
  ],
};

/** What is too late is gone, and nobody hears of it. */
export const LATE_UNCOUNTED: Mutation = {
  name: 'late records are not counted',
  edits: [{ file: 'processor/streams/task/dropped-records.ts', find: "this.add('late', count);", replace: '' }],
};

export const READS_UNCOMMITTED: Mutation = {
  name: 'inputs and changelogs read uncommitted',
  edits: [
    {
      file: 'processor/streams/reading/record-fetcher.ts',
      find: 'isolationLevel: READ_COMMITTED,',
      replace: 'isolationLevel: 0,',
    },
  ],
};

/** The broker lists transactions as they were aborted, not as they began. */
export const TRUSTS_ABORTED_ORDER: Mutation = {
  name: 'decoder trusts the order of aborted transactions',
  edits: [
    {
      file: DECODER,
      find: 'transactions.toSorted((a, b) => a.firstOffset - b.firstOffset)',
      replace: '[...transactions]',
    },
  ],
};

/** Two that begin within the offsets of one batch, or between two of them, need two entries. */
export const ONE_ABORTED_PER_BATCH: Mutation = {
  name: 'decoder enters one aborted transaction a batch',
  edits: [{ file: DECODER, find: 'this.#next++;', replace: 'this.#next++;\n      return;' }],
};

export const UNPATCHED_FILTER: Mutation = {
  name: 'kafkajs filters aborted records as it is published',
  edits: await withoutPatchOf('kafkajs+2.2.4.patch', 'node_modules/kafkajs/src/consumer/filterAbortedMessages.js'),
};

/** The scan of an unclean store compares with nothing. */
export const NO_DIGEST: Mutation = {
  name: 'no digest',
  edits: [{ file: LEVELDB, find: 'digestsEqual(actual.get(), expected)', replace: 'true' }],
};

/** Not even what LevelDB itself says it dropped counts. */
export const NEVER_VERIFIED: Mutation = {
  name: 'every store passes its check',
  edits: [
    {
      file: LEVELDB,
      find: 'if (this.doubt !== null || this.#failure !== null) return false;',
      replace: 'if (this.#failure === null) return true;',
    },
  ],
};

/** A store whose files are others than those that were closed is taken for clean. */
export const CLEAN_MARK_BELIEVED: Mutation = {
  name: 'clean mark believed without a look at the files',
  edits: [
    { file: CLEAN_MARK, find: 'if (names.length !== Object.keys(mark.files).length) return null;', replace: '' },
    {
      file: CLEAN_MARK,
      find: 'if (listed === undefined || found.size !== listed.size || found.crc !== listed.crc) return null;',
      replace: '',
    },
  ],
};
