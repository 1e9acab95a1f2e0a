import type { OffsetMap } from '../store/state-store.ts';

/** Kafka's `offset.metadata.max.bytes` is 4096. */
const MAX_BYTES = 4_000;
const CHANGELOGS = 'changelogs';

/**
 * What a task writes beside its committed offsets: how far its changelogs reach with the very transaction that commits them.
 * A broker that has lost a partition, and has not heard of it yet, answers with an older end; a restore that believed it
 * would leave out rows and never know. Null when there is nothing to say, or more than Kafka takes.
 *
 * @param reach by `topic-partition` of each changelog, the offset before which all rows lie; a lower bound.
 */
export function encodeOffsetNote(reach: OffsetMap): string | null {
  if (reach.size === 0) return null;
  const text = JSON.stringify({ [CHANGELOGS]: Object.fromEntries(reach) });
  return Buffer.byteLength(text) > MAX_BYTES ? null : text;
}

/** Empty for what is no note: offsets that somebody else has set have none. */
export function decodeOffsetNote(text: string | null): OffsetMap {
  if (text === null || text === '') return new Map();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return new Map();
  }
  const reach: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, CHANGELOGS) : undefined;
  if (typeof reach !== 'object' || reach === null) return new Map();
  return new Map(Object.entries(reach).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])));
}
