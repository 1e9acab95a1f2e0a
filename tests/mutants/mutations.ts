import type { Mutation } from '../support/mutant.ts';

const COMMIT = 'processor/streams/task/commit.ts';
const TAKE = 'processor/streams/task/take-task.ts';
const PRODUCER = 'processor/streams/changelog/transactional-producer.ts';
const RESTORE = 'processor/streams/changelog/changelog-reader.ts';

const COMMIT_OFFSETS = 'await producer.commit(offsets);';
const SEND = 'const acked = await producer.send(records, offsets);';
const SEND_ALONE = 'const acked = await producer.send(records);';
const AFTER_BATCH = "crashPoint('afterBatch');";

/** The offsets are durable before the records are: what dies between is lost. */
export const OFFSETS_BEFORE_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, before it',
  edits: [
    { file: COMMIT, find: COMMIT_OFFSETS, replace: 'await producer.commit(new Map());' },
    { file: COMMIT, find: SEND, replace: `${COMMIT_OFFSETS}\n  ${SEND_ALONE}` },
  ],
};

/** The offsets are durable after the records are: what dies between is doubled. */
export const OFFSETS_AFTER_RECORDS: Mutation = {
  name: 'input offsets committed outside the transaction, after it',
  edits: [{ file: COMMIT, find: SEND, replace: `${SEND_ALONE}\n  await producer.commit(new Map());` }],
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
  edits: [...STORE_BEFORE_COMMIT.edits, { file: COMMIT, find: 'inputOffsets: offsets', replace: 'inputOffsets: new Map()' }],
};

/** After an error the same producer, with the same epoch, goes on: what was left on its way is not fenced off. */
export const REUSED_PRODUCER: Mutation = {
  name: 'producer reused after an error',
  edits: [
    { file: TAKE, find: 'task.producer = context.createProducer(task);', replace: 'task.producer ??= context.createProducer(task);' },
    { file: PRODUCER, find: 'if (this.#identity === undefined || this.#broken)', replace: 'if (this.#identity === undefined)' },
    { file: PRODUCER, find: 'async init(signal: AbortSignal): Promise<void> {', replace: 'async init(signal: AbortSignal): Promise<void> {\n    if (this.#identity !== undefined) return;' },
    { file: PRODUCER, find: 'await this.#cluster.disconnect();', replace: '' },
    { file: PRODUCER, find: 'await coordinator.endTxn({ ...identity, transactionResult: false });', replace: 'await coordinator.endTxn({ ...identity, transactionResult: false });\n      this.#added.clear();' },
  ],
};

/** A restore that does not go on to the end leaves the store behind the group. */
export const RESTORE_STOPS_SHORT: Mutation = {
  name: 'restore trusts the store and does not read the rest of the changelog',
  edits: [{ file: RESTORE, find: 'ends.set(name, end);', replace: 'ends.set(name, store.offsets().changelog.get(name) ?? end);' }],
};
