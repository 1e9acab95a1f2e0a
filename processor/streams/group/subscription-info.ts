import type { TaskId } from '../task/task-id.ts';
import { readOwners, type TaskOwners } from './task-owners.ts';

/**
 * What a member sends to the assignor when it joins. JSON behind a version byte: a leader of another version ignores
 * the contents of versions it does not know and treats the member as one without state.
 */
export interface SubscriptionInfo {
  /** Kept in the state directory: the same process, whatever its member id is now. */
  readonly processId: string;
  /** Tasks this thread runs right now. */
  readonly active: readonly TaskId[];
  /** Tasks this thread follows right now. */
  readonly standby: readonly TaskId[];
  /** Tasks whose store is on this process's disk. */
  readonly stores: readonly TaskId[];
}

/** What the assignor sends to a member beside its partitions: a standby reads no partition of the group. */
interface AssignmentInfo {
  readonly standby: readonly TaskId[];
  /** Undefined when the leader is of a version that does not tell. */
  readonly owners?: TaskOwners | undefined;
}

const VERSION = 1;

export function encodeSubscriptionInfo(info: SubscriptionInfo): Buffer {
  return encode(info);
}

/** Undefined for another version, and for bytes that something else wrote. */
export function decodeSubscriptionInfo(bytes: Buffer | null): SubscriptionInfo | undefined {
  const info = decode(bytes) as Partial<SubscriptionInfo> | undefined;
  if (info === undefined || typeof info.processId !== 'string') return undefined;
  if (!Array.isArray(info.active) || !Array.isArray(info.standby) || !Array.isArray(info.stores)) return undefined;
  return {
    processId: info.processId,
    active: taskIdsOf(info.active),
    standby: taskIdsOf(info.standby),
    stores: taskIdsOf(info.stores),
  };
}

export function encodeAssignmentInfo(info: AssignmentInfo): Buffer {
  return encode(info);
}

/** No standbys and no owners when the leader is of another version. */
export function decodeAssignmentInfo(bytes: Buffer | null): AssignmentInfo {
  const info = decode(bytes) as Partial<AssignmentInfo> | undefined;
  return { standby: Array.isArray(info?.standby) ? taskIdsOf(info.standby) : [], owners: readOwners(info?.owners) };
}

/** Bytes that something else wrote may be JSON, too. */
function taskIdsOf(list: readonly unknown[]): TaskId[] {
  return list.filter((id): id is TaskId => typeof id === 'string' && /^\d{1,9}_\d{1,9}$/.test(id));
}

function encode(info: object): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(info))]);
}

function decode(bytes: Buffer | null): object | undefined {
  if (bytes === null || bytes[0] !== VERSION) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', 1));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
