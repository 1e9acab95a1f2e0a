import type { OffsetMap } from '../store/state-store.ts';

/** Kafka's `offset.metadata.max.bytes` is 4096. */
const MAX_BYTES = 4_000;
const CHANGELOGS = 'changelogs';
const STREAM_TIME = 'streamTimeMs';

/** What a task writes as metadata of its committed offsets. */
interface OffsetMetadata {
  /**
   * How far its changelogs reach with the very transaction that commits them: by `topic-partition`, the offset before
   * which at least all its rows are. A broker that has lost a partition, and does not know it yet, returns an older
   * end; a restore that trusted it would miss rows without a sign.
   */
  readonly reach: OffsetMap;
  /**
   * The task's event time, as in Kafka Streams: a task without a window store would begin without any. -1: none.
   */
  readonly streamTimeMs: number;
}

/** Null when there is nothing to write, or more than Kafka takes. */
export function encodeOffsetMetadata({ reach, streamTimeMs }: OffsetMetadata): string | null {
  const metadata = {
    ...(reach.size === 0 ? {} : { [CHANGELOGS]: Object.fromEntries(reach) }),
    ...(streamTimeMs < 0 ? {} : { [STREAM_TIME]: streamTimeMs }),
  };
  const text = JSON.stringify(metadata);
  return text === '{}' || Buffer.byteLength(text) > MAX_BYTES ? null : text;
}

/** Empty for other metadata than the runtime's: offsets that were set from outside have none. */
export function decodeOffsetMetadata(text: string | null): OffsetMetadata {
  const metadata = parsed(text);
  const reach: unknown = Reflect.get(metadata, CHANGELOGS);
  const streamTimeMs: unknown = Reflect.get(metadata, STREAM_TIME);
  return {
    reach: new Map(
      typeof reach !== 'object' || reach === null
        ? []
        : Object.entries(reach).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])),
    ),
    streamTimeMs: typeof streamTimeMs === 'number' && streamTimeMs >= 0 ? streamTimeMs : -1,
  };
}

function parsed(text: string | null): object {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
