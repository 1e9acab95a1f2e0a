import { withoutPatchOf, type Mutation } from '../support/mutant.ts';

const OFFSETS_ALONE = 'await producer.commit({ offsets: new Map(), metadata: null });';

/** The offsets are durable before the records are: what dies between is lost. */
export const OFFSETS_BEFORE_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, before it',
  edits: [
    {
      mark: 'send-with-offsets',
      replace: 'await producer.commit(input);\n  const acked = await producer.send(records);',
    },
    { mark: 'commit-transaction', replace: OFFSETS_ALONE },
  ],
};

/** The offsets are durable after the records are: what dies between is doubled. */
export const OFFSETS_AFTER_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, after it',
  edits: [{ mark: 'send-with-offsets', replace: `const acked = await producer.send(records);\n  ${OFFSETS_ALONE}` }],
};

/** The store holds what Kafka may yet abort. */
export const STORE_BEFORE_COMMIT: Mutation = {
  name: 'store batch written before the Kafka commit',
  edits: [
    { mark: 'commit-transaction', replace: '' },
    { mark: 'store-committed', after: 'await producer.commit(input);' },
  ],
};

/** The same, and the store keeps no input offsets by which the next start would notice. */
export const STORE_BEFORE_COMMIT_UNNOTICED: Mutation = {
  name: 'store batch written before the Kafka commit, without input offsets',
  edits: [
    ...STORE_BEFORE_COMMIT.edits,
    { mark: 'store-commit', replace: 'await store.commit({ changes, changelogOffsets, inputOffsets: new Map() });' },
  ],
};

/**
 * After an error the same producer, with the same epoch, goes on: what was left on its way is not fenced off. It does
 * harm only where a late EndTxn comes upon records whose offsets are not there yet, a few milliseconds of each commit:
 * faults at random moments do not show it, `holdCommit` of tests/support/late-commit.ts does.
 */
export const REUSED_PRODUCER: Mutation = {
  name: 'producer reused after an error',
  edits: [
    { mark: 'new-producer', replace: 'task.producer ??= context.createProducer(task, waiting.unanswered);' },
    { mark: 'broken-for-good', condition: 'this.#identity === undefined' },
    { mark: 'init', before: 'if (this.#identity !== undefined) return;' },
    { mark: 'disconnect', replace: '' },
    { mark: 'abort', after: 'this.#added.clear();' },
  ],
};

/** A restore that does not go on to the end leaves the store behind the group. */
export const RESTORE_STOPS_SHORT: Mutation = {
  name: 'restore trusts the store and does not read the rest of the changelog',
  edits: [{ mark: 'restore-to-the-end', replace: 'ends.set(name, store.offsets().changelog.get(name) ?? end);' }],
};

/**
 * What the old owner commits between the two is read again, and counted again. Beside the offsets that the task keeps
 * itself the mistake would be noticed, and the task taken anew: they are left out with it.
 */
export const OFFSETS_BEFORE_FENCE: Mutation = {
  name: 'committed offsets read before the fence',
  edits: [
    {
      mark: 'fence',
      before:
        'await context.cluster.track(task.inputs.map((i) => i.topic));\n' +
        'type Reads = { committed(group: string, of: typeof task.inputs): ReturnType<typeof committedOffsets> };\n' +
        'const committed = await (context.cluster as never as Reads).committed(context.applicationId, task.inputs);',
    },
    { mark: 'offsets-after-fence', replace: '' },
    { mark: 'offsets-kept', replace: 'const kept: OffsetMap | undefined = undefined;' },
  ],
};

/** The records of the transaction that failed are never read again. */
export const NO_SEEK_AFTER_ABORT: Mutation = {
  name: 'no seek back after an abort',
  edits: [
    { mark: 'pause-before-seek', replace: '' },
    { mark: 'tasks-started', before: 'readonly #started = new Set<StreamTask>();' },
    {
      mark: 'seek',
      replace: 'if (!this.#started.has(task)) onRunning(task, offsets);\nthis.#started.add(task);',
    },
  ],
};

/** What the failed transaction had counted is still there when its records are read again. */
export const BUFFERS_KEPT_AFTER_ABORT: Mutation = {
  name: 'buffers not dropped after an abort',
  edits: [
    { mark: 'drop-buffers', replace: '' },
    { mark: 'drop-graph', replace: '' },
    { mark: 'new-graph', replace: 'task.graph ??= context.createGraph(task, task.store, indexes);' },
  ],
};

/** Nobody waits for a process that comes back: its tasks move. */
export const NO_STATIC_MEMBERSHIP: Mutation = {
  name: 'no static membership',
  edits: [{ mark: 'static-member', replace: 'groupInstanceId: null as never' }],
};

/** A thread that has been told of a rebalance throws out the new owner of a task it had. */
export const GATE_ALWAYS_OPEN: Mutation = {
  name: 'fence gate always open',
  edits: [{ mark: 'gate', condition: 'false' }],
};

/** The task of a dead owner is restored from the beginning, beside a process that has all of it. */
export const STANDBY_IGNORED: Mutation = {
  name: 'assignor ignores standbys',
  edits: [{ mark: 'standbys-first', replace: '' }],
};

/** Whatever the fastest source has passed is late for all the others. */
export const STREAM_TIME_IS_A_MAXIMUM: Mutation = {
  name: 'stream time is the maximum over sources',
  edits: [{ mark: 'minimum', replace: 'this.#watermarkMs = Math.max(this.#watermarkMs, newest);' }],
};

/** Orders of years ago are late by the time of customers of today, if those came first. */
export const ANY_INPUT_FIRST: Mutation = {
  name: 'inputs of a task in the order of declaration',
  edits: [{ mark: 'oldest-first', condition: 'first === undefined' }],
};

/** What is too late is gone, and nobody hears of it. */
export const LATE_UNCOUNTED: Mutation = {
  name: 'late records are not counted',
  edits: [{ mark: 'count-late', replace: '' }],
};

export const READS_UNCOMMITTED: Mutation = {
  name: 'inputs and changelogs read uncommitted',
  edits: [{ mark: 'read-committed', replace: 'isolationLevel: 0' }],
};

/** The broker lists transactions as they were aborted, not as they began. */
export const TRUSTS_ABORTED_ORDER: Mutation = {
  name: 'decoder trusts the order of aborted transactions',
  edits: [{ mark: 'aborted-in-order', replace: 'this.#waiting = [...transactions];' }],
};

/** Two that begin within the offsets of one batch, or between two of them, need two entries. */
export const ONE_ABORTED_PER_BATCH: Mutation = {
  name: 'decoder enters one aborted transaction a batch',
  edits: [{ mark: 'each-aborted', after: 'return;' }],
};

export const UNPATCHED_FILTER: Mutation = {
  name: 'kafkajs filters aborted records as it is published',
  edits: await withoutPatchOf('kafkajs+2.2.4.patch', 'node_modules/kafkajs/src/consumer/filterAbortedMessages.js'),
};

/** The scan of an unclean store compares with nothing. */
export const NO_DIGEST: Mutation = {
  name: 'no digest',
  edits: [{ mark: 'digest', replace: 'const sound = true;' }],
};

/** Not even what LevelDB itself says it dropped counts. */
export const NEVER_VERIFIED: Mutation = {
  name: 'every store passes its check',
  edits: [{ mark: 'doubt', replace: 'if (this.#failure === null) return true;' }],
};

/** A store whose files are others than those that were closed is taken for clean. */
export const CLEAN_MARK_BELIEVED: Mutation = {
  name: 'clean mark believed without a look at the files',
  edits: [
    { mark: 'files-listed', replace: '' },
    { mark: 'files-unchanged', replace: '' },
  ],
};
