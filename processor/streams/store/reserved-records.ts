import { checksum } from './store-digest.ts';
import type { OffsetMap, StoreDigest, StoreOffsets } from './state-store.ts';

/** The layout of keys and records. A store of another version is not read: it is set aside and restored. */
export const SCHEMA_VERSION = 1;

/** Whose store this is: a directory copied or mounted from elsewhere is found out before its data is used. */
export interface StoreIdentity {
  readonly applicationId: string;
  readonly taskId: string;
  /** Signature of what decides the meaning of the data (sub-topology, serdes). Compared only when both sides have one. */
  readonly topology?: string;
}

/** What one commit writes beside the data, as one record: a reader sees all of it or none. */
export interface CommittedRecord {
  readonly offsets: StoreOffsets;
  readonly digest: StoreDigest;
  /** Wall clock of the batch, epoch milliseconds; null before the first. */
  readonly committedAtMs: number | null;
}

/** JSON behind its own checksum: nothing else protects these bytes, since LevelDB checks none on read. */
function sealRecord(content: object): Buffer {
  const text = JSON.stringify(content);
  return Buffer.from(`${checksum(Buffer.from(text))} ${text}`);
}

/** The content, or null when it does not match its checksum. */
function unsealRecord(bytes: Buffer): unknown {
  const space = bytes.indexOf(' ');
  if (space < 0) return null;
  const text = bytes.subarray(space + 1);
  if (checksum(text) !== bytes.toString('latin1', 0, space)) return null;
  return JSON.parse(text.toString('utf8'));
}

export function encodeCommitted(record: CommittedRecord): Buffer {
  return sealRecord({
    changelog: Object.fromEntries(record.offsets.changelog),
    input: Object.fromEntries(record.offsets.input),
    entries: record.digest.entries,
    sum: record.digest.sum.toString(16),
    committedAtMs: record.committedAtMs,
  });
}

/** null: the record is damaged. The checksum vouches for the shape, since only `encodeCommitted` wrote it. */
export function decodeCommitted(bytes: Buffer): CommittedRecord | null {
  const content = unsealRecord(bytes) as CommittedJson | null;
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

export function encodeIdentity(identity: StoreIdentity): Buffer {
  return sealRecord({ schemaVersion: SCHEMA_VERSION, ...identity });
}

/** Why the store is not ours, in words; null when it is. */
export function identityMismatch(bytes: Buffer, ours: StoreIdentity): string | null {
  const theirs = unsealRecord(bytes) as (StoreIdentity & { schemaVersion: number }) | null;
  if (theirs === null) return 'its identity record is damaged';
  if (theirs.schemaVersion !== SCHEMA_VERSION) {
    return `it has the layout of version ${theirs.schemaVersion}, this program reads version ${SCHEMA_VERSION}`;
  }
  if (theirs.applicationId !== ours.applicationId || theirs.taskId !== ours.taskId) {
    return `it belongs to task ${theirs.taskId} of ${theirs.applicationId}, not to task ${ours.taskId} of ${ours.applicationId}`;
  }
  if (theirs.topology !== undefined && ours.topology !== undefined && theirs.topology !== ours.topology) {
    return 'it was written by another topology';
  }
  return null;
}

/** Written at every open: ties the clean mark to the opening that it ended. */
export function encodeStatus(openId: string): Buffer {
  return sealRecord({ openId });
}

/** null: damaged. */
export function decodeStatus(bytes: Buffer): string | null {
  const content = unsealRecord(bytes) as { openId: string } | null;
  return content?.openId ?? null;
}
