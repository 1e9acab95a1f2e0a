import type { TaskId } from '../task/task-id.ts';

/**
 * What a member tells the assignor when it joins. JSON behind a version byte: a leader of another version ignores the
 * contents of versions it does not know and treats the member as one without state.
 */
export interface SubscriptionInfo {
  /** Kept in the state directory: the same process, whatever its member id is now. */
  readonly processId: string;
  /** Tasks this thread runs right now. */
  readonly active: readonly TaskId[];
  /** Tasks whose store is on this process's disk. */
  readonly stores: readonly TaskId[];
}

const VERSION = 1;

export function encodeSubscriptionInfo(info: SubscriptionInfo): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(info))]);
}

/** Undefined for another version or for bytes that are not ours. */
export function decodeSubscriptionInfo(bytes: Buffer | null): SubscriptionInfo | undefined {
  if (bytes === null || bytes[0] !== VERSION) return undefined;
  try {
    const info = JSON.parse(bytes.toString('utf8', 1)) as Partial<SubscriptionInfo>;
    if (typeof info.processId !== 'string' || !Array.isArray(info.active) || !Array.isArray(info.stores)) return undefined;
    return { processId: info.processId, active: info.active, stores: info.stores };
  } catch {
    return undefined;
  }
}
