import { messageOf, StreamsError } from '../../errors.ts';
import { decodeText, isSurelyOfText } from '../../store/key-text.ts';
import { offsetOf, recordPlace } from '../../kafka/topic-partition.ts';
import { eventTimeOf, isEventTime, whyNoEventTime } from '../event-time.ts';
import type { SourceNode } from '../graph.ts';
import { DeadLetter, type ConsumerRecord } from '../record.ts';
import { hasNoValue, keyTextOf } from '../record-text.ts';
import { stringSerde } from '../serdes.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, settled } from '../user-code.ts';

/** A source's functions in one task. */
export interface CompiledSource {
  /** Reads a record and hands it on, for a task with nothing to put in order. */
  readonly process: (record: ConsumerRecord) => void;
  /** Reads a record and does nothing with it yet: its event time decides when it is its turn. */
  readonly read: (record: ConsumerRecord) => ReadRecord;
  /** Dead-letters a record that was handed on; undefined where there is no dead-letter topic. */
  readonly refuse?: (record: ConsumerRecord, letter: DeadLetter) => void;
}

export interface ReadRecord {
  readonly record: ConsumerRecord;
  /** What the record is put in order by; undefined (a dead letter, a time report): at once. */
  readonly timestampMs: number | undefined;
  /** Hands on what was read. It moves no event time: whoever chose the record knows its time. */
  handOn(): void;
}

/** An object a record, and no closures over its parts: a task with several inputs makes one of each record. */
class WaitingValue implements ReadRecord {
  readonly record: ConsumerRecord;
  readonly timestampMs: number;
  readonly #key: unknown;
  readonly #value: unknown;
  readonly #next: Emit;

  constructor(record: ConsumerRecord, key: unknown, value: unknown, timestampMs: number, next: Emit) {
    this.record = record;
    this.timestampMs = timestampMs;
    this.#key = key;
    this.#value = value;
    this.#next = next;
  }

  handOn(): void {
    this.#next(this.#key, this.#value, this.timestampMs);
  }
}

function atOnce(record: ConsumerRecord, handOn: () => void): ReadRecord {
  return { record, timestampMs: undefined, handOn };
}

/** Where the records of a source go, and what is to be known of them. */
export interface SourceTargets {
  readonly next: Emit;
  readonly deadLetters: Emit;
  /** Something behind the source looks at the key. A key that nobody looks at is not made into text: it may be any. */
  readonly keysAreRead: boolean;
  /** Moves the task's event time. */
  readonly observe: (timestampMs: number) => void;
}

export function compileSource(
  { name, role, key: keys, decode, nulls, timestampMs, deadLetterTopic }: SourceNode,
  runtime: TaskRuntime,
  { next, deadLetters, keysAreRead, observe }: SourceTargets,
): CompiledSource {
  const refuse = (record: ConsumerRecord, letter: DeadLetter): void => {
    if (deadLetterTopic === undefined && record.unreadable !== undefined)
      throw new StreamsError(
        'RECORDS_UNREADABLE',
        `${recordPlace(record)}: ${letter.message}. Give the stream a dead-letter topic, or raise the setting`,
        { taskId: runtime.taskId, ...offsetOf(record) },
      );
    if (deadLetterTopic === undefined)
      throw new StreamsError(
        'USER_CODE_FAILED',
        `task ${runtime.taskId} failed at ${name}: ${recordPlace(record)} cannot be read (${letter.reason}) and the ` +
          `stream has no dead-letter topic: ${letter.message}`,
        { taskId: runtime.taskId, ...offsetOf(record) },
      );
    runtime.deadLetter(record, letter, deadLetterTopic);
    const at = eventTimeOf(record.timestampMs);
    deadLetters(null, letter, Number.isNaN(at) ? runtime.nowMs() : at);
  };
  const refuseTime = (record: ConsumerRecord, timeMs: unknown): void => {
    if (deadLetterTopic === undefined) runtime.drop('invalid-timestamp');
    else refuse(record, new DeadLetter('INVALID_TIMESTAMP', whyNoEventTime(timeMs)));
  };
  const dropsNulls = nulls === 'drop';
  // Elsewhere it is a tombstone, or dropped.
  const decodesNulls = role === 'stream' && !dropsNulls;
  const valueOf = (record: ConsumerRecord): unknown => {
    if (!decodesNulls && hasNoValue(record)) return null;
    try {
      const value = settled(decode(record, runtime.nowMs()));
      if (value === undefined) throw new TypeError('decode returned undefined: it returns a value, or a DeadLetter');
      return value;
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  const timeOf = (record: ConsumerRecord, value: unknown): number => {
    if (timestampMs === undefined) return record.timestampMs;
    try {
      return settled(timestampMs(value as never, record));
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  const typed = (bytes: Buffer): unknown => {
    try {
      return settled(keys.deserialize(bytes));
    } catch (error) {
      if (error instanceof StreamsError) throw error;
      return new DeadLetter('DESERIALIZATION_FAILED', `The key cannot be read: ${messageOf(error)}`);
    }
  };
  const isText = (keys as unknown) === stringSerde;
  const keyOf = (record: ConsumerRecord): unknown => {
    if (isText) {
      const text = keysAreRead ? keyTextOf(record) : null;
      return text === null || isSurelyOfText(text) ? text : (decodeText(record.key as Buffer) ?? NOT_TEXT);
    }
    const { key } = record;
    return key === null ? null : typed(key);
  };
  return {
    ...(deadLetterTopic === undefined ? {} : { refuse }),
    process: (record) => {
      const value = record.unreadable ?? valueOf(record);
      if (value instanceof DeadLetter) return refuse(record, value);
      if (value === null && dropsNulls) return runtime.drop('null-value');
      const given = timeOf(record, value);
      const at = isEventTime(given) ? given : eventTimeOf(given);
      if (Number.isNaN(at)) return refuseTime(record, given);
      const key = keyOf(record);
      if (key instanceof DeadLetter) return refuse(record, key);
      observe(at);
      next(key, value, at);
    },
    read: (record) => {
      const value = record.unreadable ?? valueOf(record);
      if (value instanceof DeadLetter) return atOnce(record, () => refuse(record, value));
      if (value === null && dropsNulls) return atOnce(record, () => runtime.drop('null-value'));
      const given = timeOf(record, value);
      const at = eventTimeOf(given);
      if (Number.isNaN(at)) return atOnce(record, () => refuseTime(record, given));
      const key = keyOf(record);
      if (key instanceof DeadLetter) return atOnce(record, () => refuse(record, key));
      return new WaitingValue(record, key, value, at, next);
    },
  };
}

const NOT_TEXT = new DeadLetter('DESERIALIZATION_FAILED', 'The key is not UTF-8 text');

/**
 * One topic that two sources read, perhaps by two kinds of time: the record moves event time by the older one, so that
 * neither runs ahead.
 */
export function bothSources(
  a: CompiledSource,
  b: CompiledSource,
  observe: (timestampMs: number) => void,
): CompiledSource {
  const read = (record: ConsumerRecord): ReadRecord => {
    // A decoder may return the bytes themselves, which may be changed behind it.
    // mutant: own-bytes
    const [one, other] = [a.read(record), b.read(withOwnValue(record))];
    const timestampMs =
      one.timestampMs === undefined || (other.timestampMs !== undefined && other.timestampMs < one.timestampMs)
        ? other.timestampMs
        : one.timestampMs;
    return {
      record,
      timestampMs,
      handOn: () => {
        one.handOn();
        other.handOn();
      },
    };
  };
  // One letter a record: one source that writes them is enough.
  const refuse = a.refuse ?? b.refuse;
  return {
    read,
    ...(refuse === undefined ? {} : { refuse }),
    process: (record) => {
      const waiting = read(record);
      if (waiting.timestampMs !== undefined) observe(waiting.timestampMs);
      waiting.handOn();
    },
  };
}

/** Only the value is another one: a record of a fetch makes the rest when it is asked. */
function withOwnValue(record: ConsumerRecord): ConsumerRecord {
  const { value } = record;
  return value === null || record.unreadable !== undefined
    ? record
    : (Object.create(record, { value: { value: Buffer.from(value), enumerable: true } }) as ConsumerRecord);
}
