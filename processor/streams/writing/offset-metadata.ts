import type { OffsetMap } from '../store/state-store.ts';

/** Kafka's `offset.metadata.max.bytes` is 4096. */
const MAX_BYTES = 4_000;
const CHANGELOGS = 'changelogs';
const STREAM_TIME = 'streamTimeMs';

/** What a task writes beside its committed offsets. */
export interface OffsetNote {
  /**
   * How far its changelogs reach with the very transaction that commits them: by `topic-partition`, the offset before
   * which all rows lie, at least. A broker that has lost a partition, and has not heard of it yet, answers with an
   * older end; a restore that believed it would leave out rows and never know.
   */
  readonly reach: OffsetMap;
  /**
   * The stream time it has come to, as Kafka Streams notes it: a task without a window store would begin before all
   * time. -1: none.
   */
  readonly streamTimeMs: number;
}

/** Null when there is nothing to say, or more than Kafka takes. */
export function encodeOffsetNote({ reach, streamTimeMs }: OffsetNote): string | null {
  const note = {
    ...(reach.size === 0 ? {} : { [CHANGELOGS]: Object.fromEntries(reach) }),
    ...(streamTimeMs < 0 ? {} : { [STREAM_TIME]: streamTimeMs }),
  };
  const text = JSON.stringify(note);
  return text === '{}' || Buffer.byteLength(text) > MAX_BYTES ? null : text;
}

/** Says nothing for what is no note: offsets that somebody else has set have none. */
export function decodeOffsetNote(text: string | null): OffsetNote {
  const note = parsed(text);
  const reach: unknown = Reflect.get(note, CHANGELOGS);
  const streamTimeMs: unknown = Reflect.get(note, STREAM_TIME);
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
