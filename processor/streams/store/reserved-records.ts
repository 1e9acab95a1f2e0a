import { RESET_REMEDY, StreamsError } from '../errors.ts';
import { signatureMismatch, type TopologySignature } from '../topology/signature.ts';
import { checksum } from './store-digest.ts';
import type { OffsetMap, StoreDigest, StoreOffsets } from './state-store.ts';

/** The layout of keys and records. A store of another version is not read: it is set aside and restored. */
const SCHEMA_VERSION = 1;

/** By name: `timed` rows have their time before the value, rows `in memory` are not on disk. */
export type StoreLayouts = Readonly<Record<string, 'timed' | 'in memory'>>;

/** Whose store this is: a directory that was copied or mounted from elsewhere is noticed before its data is used. */
export interface StoreIdentity {
  readonly applicationId: string;
  readonly taskId: string;
  /** What decides the meaning of the data. Compared only when both sides have one, as are the ids. */
  readonly topology?: TopologySignature;
  /** Of the task's inputs and changelogs: the offsets in the store are offsets of these topics and of no others. */
  readonly topicIds?: Readonly<Record<string, string>>;
  /** How its stores keep their rows; those that keep the plain value on disk are left out. */
  readonly layouts?: StoreLayouts;
}

/** What one commit writes beside the data, in one record: a reader sees all of it or none. */
export interface CommittedRecord {
  readonly offsets: StoreOffsets;
  readonly digest: StoreDigest;
  /** Wall clock of the batch, epoch milliseconds; null before the first. */
  readonly committedAtMs: number | null;
}

/** JSON behind a checksum of its own: LevelDB checks none on read. */
function withChecksum(content: object): Buffer {
  const text = JSON.stringify(content);
  return Buffer.from(`${checksum(Buffer.from(text))} ${text}`);
}

/** The content, or null when it does not match its checksum. */
function readChecked(bytes: Buffer): unknown {
  const space = bytes.indexOf(' ');
  if (space < 0) return null;
  const text = bytes.subarray(space + 1);
  if (checksum(text) !== bytes.toString('latin1', 0, space)) return null;
  return JSON.parse(text.toString('utf8'));
}

export function encodeCommitted(record: CommittedRecord): Buffer {
  return withChecksum({
    changelog: Object.fromEntries(record.offsets.changelog),
    input: Object.fromEntries(record.offsets.input),
    entries: record.digest.entries,
    sum: record.digest.sum.toString(16),
    committedAtMs: record.committedAtMs,
  });
}

/** Null when the record is damaged. Its shape needs no check: only `encodeCommitted` makes one with this checksum. */
export function decodeCommitted(bytes: Buffer): CommittedRecord | null {
  const content = readChecked(bytes) as CommittedJson | null;
  if (content === null) return null;
  return {
    offsets: { changelog: new Map(Object.entries(content.changelog)), input: new Map(Object.entries(content.input)) },
    digest: { entries: content.entries, sum: BigInt(`0x${content.sum}`) },
    committedAtMs: content.committedAtMs,
  };
}

interface CommittedJson {
  readonly changelog: Record<string, number>;
  readonly input: Record<string, number>;
  readonly entries: number;
  readonly sum: string;
  readonly committedAtMs: number | null;
}

export const NOTHING_COMMITTED: CommittedRecord = {
  offsets: { changelog: new Map(), input: new Map() },
  digest: { entries: 0, sum: 0n },
  committedAtMs: null,
};

export function mergeOffsets(stored: StoreOffsets, changelog: OffsetMap, input: OffsetMap): StoreOffsets {
  return {
    changelog: changelog.size === 0 ? stored.changelog : new Map([...stored.changelog, ...changelog]),
    input: input.size === 0 ? stored.input : new Map([...stored.input, ...input]),
  };
}

/** @param before the record that it replaces: ids of topics in it are kept unless there are newer ones. */
export function encodeIdentity(identity: StoreIdentity, before?: Buffer): Buffer {
  const found = before === undefined ? null : (readChecked(before) as StoreIdentity | null);
  return withChecksum({
    schemaVersion: SCHEMA_VERSION,
    ...found,
    ...identity,
    topicIds: { ...found?.topicIds, ...identity.topicIds },
  });
}

/** Why the store is not that of this task, as a part of a sentence; null when it is. */
export function identityMismatch(bytes: Buffer, ours: StoreIdentity): string | null {
  const found = readChecked(bytes) as (StoreIdentity & { schemaVersion: number }) | null;
  if (found === null) return 'its identity record is damaged';
  if (found.schemaVersion !== SCHEMA_VERSION) {
    return `it has the layout of version ${found.schemaVersion}, this program reads version ${SCHEMA_VERSION}`;
  }
  if (found.applicationId !== ours.applicationId || found.taskId !== ours.taskId) {
    return (
      `it belongs to task ${found.taskId} of ${found.applicationId}, not to task ${ours.taskId} of ` +
      `${ours.applicationId}`
    );
  }
  return null;
}

/**
 * Why a sound store of this task must not be used: it is of another topology, or of topics that were deleted and made
 * anew. The topics may be wrong as well as the store, so nothing is restored over it. Null when it can be used.
 */
export function identityContradiction(directory: string, bytes: Buffer, ours: StoreIdentity): StreamsError | null {
  const found = readChecked(bytes) as StoreIdentity | null;
  const { applicationId, taskId } = ours;
  const stale =
    `If the application was started over since this store was written, delete ${directory}. If starting over is ` +
    `meant, ${RESET_REMEDY}`;
  const mismatch =
    found?.topology === undefined || ours.topology === undefined
      ? null
      : signatureMismatch(found.topology, ours.topology);
  if (mismatch !== null)
    return new StreamsError(
      'TOPOLOGY_CHANGED',
      `the store of task ${taskId} was written by another topology of the application id ${applicationId}. ` +
        `${mismatch}. Use another applicationId, or go back to the topology as it was. ${stale}`,
      { taskId, settings: ['applicationId'], remedy: 'reset' },
    );
  for (const [topic, id] of Object.entries(found?.topicIds ?? {})) {
    const now = ours.topicIds?.[topic];
    if (now === undefined || now === id) continue;
    const internal = topic.startsWith(`${applicationId}-`) && /-(changelog|repartition)$/.test(topic);
    return new StreamsError(
      internal ? 'INTERNAL_TOPIC_INVALID' : 'SOURCE_TOPIC_RECREATED',
      `the topic ${topic} was deleted and made anew (its id was ${id} and is ${now}), but the store of task ` +
        `${taskId} goes on from the old one. ${stale}`,
      { taskId, topic, remedy: 'reset' },
    );
  }
  return null;
}

/**
 * Why a store of this task and topology has another layout than is wanted, as a part of a sentence: it is restored in
 * the one that is wanted. Null when it has not. A store of before there were layouts keeps plain values.
 */
export function layoutMismatch(bytes: Buffer, { layouts }: StoreIdentity): string | null {
  if (layouts === undefined) return null;
  const found = layoutsOf(bytes);
  const differing = Object.keys({ ...found, ...layouts }).find((name) => found[name] !== layouts[name]);
  if (differing === undefined) return null;
  const [was, is] = [found[differing] ?? 'plain', layouts[differing] ?? 'plain'];
  return `its rows of the store "${differing}" are ${was}, and are to be ${is}`;
}

export function layoutsOf(identity: Buffer | undefined): StoreLayouts {
  return (identity === undefined ? null : (readChecked(identity) as StoreIdentity | null))?.layouts ?? {};
}

/** Written at each open: a clean mark counts only with the id of the open that it ended. */
export function encodeStatus(openId: string): Buffer {
  return withChecksum({ openId });
}

/** Null when it is damaged. */
export function decodeStatus(bytes: Buffer): string | null {
  const content = readChecked(bytes) as { openId: string } | null;
  return content?.openId ?? null;
}
