import { randomBytes } from 'node:crypto';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import type { HeaderList } from '../topology/record.ts';
import type { TaskId } from './task-id.ts';

/** What became of one record that is traced, from when its task got it until its commit was done. */
export interface RecordSpan {
  /** 32 hexadecimal digits, as in W3C's Trace Context. */
  readonly traceId: string;
  /** 16 hexadecimal digits. What is made of the record alone carries it on in its header `traceparent`. */
  readonly spanId: string;
  /** The span that the record came with; undefined where the trace begins here. */
  readonly parentSpanId: string | undefined;
  readonly taskId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the task got the record, epoch ms. */
  readonly startMs: number;
  /** When its commit was done, epoch ms. */
  readonly endMs: number;
}

/** Which records of a KafkaStreams are traced, and who is told. */
export interface TracesOptions {
  /**
   * The share, 0 to 1, of records without trace context that begin a trace: 0 by default. A record that comes with one
   * is traced where its flag says so, and nowhere else.
   */
  readonly sampleRatio?: number | undefined;
  /** Is told of records once they are committed, some at a time. What it throws is logged. */
  readonly onSpans: (spans: readonly RecordSpan[]) => void;
}

/** What a task's spans end by. */
interface CommittedTask {
  readonly id: TaskId;
  committedOffsets(): ReadonlyMap<string, number>;
}

interface RecordTracesOptions {
  readonly sampleRatio: number;
  readonly onSpans: (spans: RecordSpan[]) => void;
  readonly nowMs?: () => number;
  /** 0 to 1, 1 left out. */
  readonly random?: () => number;
}

const TRACEPARENT = 'traceparent';
const CONTEXT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const SAMPLED = 1;
/** Of one thread: what comes beyond is not traced, so that a flood of sampled records keeps no memory. */
const MAX_OPEN = 1_000;

/**
 * The traces of one stream thread: https://www.w3.org/TR/trace-context/. A record that is traced is handed on with its
 * span in the header `traceparent`, so that whatever is sent with its headers, through `to()` and repartition topics,
 * carries the trace on.
 */
export class RecordTraces {
  readonly #options: Required<RecordTracesOptions>;
  /** By task, then by `topic-partition@offset`: a record that is read again after an abort has one span. */
  readonly #open = new Map<TaskId, Map<string, Omit<RecordSpan, 'endMs'>>>();

  constructor({ nowMs = Date.now, random = Math.random, ...options }: RecordTracesOptions) {
    this.#options = { ...options, nowMs, random };
  }

  /** The same fetch, in which records that are traced have another `traceparent`. */
  applyTo(taskId: TaskId, fetched: FetchedPartition): FetchedPartition {
    let records: FetchedRecord[] | undefined;
    for (const [index, record] of fetched.records.entries()) {
      const traced = record.unreadable === undefined ? this.#traced(taskId, record) : undefined;
      if (traced === undefined) continue;
      records ??= [...fetched.records];
      records[index] = traced;
    }
    return records === undefined ? fetched : { ...fetched, records };
  }

  /** Ends the spans of what the task has committed. */
  committed(task: CommittedTask): void {
    const open = this.#open.get(task.id);
    if (open === undefined) return;
    const committed = task.committedOffsets();
    const endMs = this.#options.nowMs();
    const spans: RecordSpan[] = [];
    for (const [place, span] of open) {
      const next = committed.get(topicPartition(span.topic, span.partition)) ?? 0;
      if (span.offset >= next) continue;
      open.delete(place);
      spans.push({ ...span, endMs });
    }
    if (open.size === 0) this.#open.delete(task.id);
    if (spans.length > 0) this.#options.onSpans(spans);
  }

  /** What the task has not committed is read again, here or elsewhere, and has another span then. */
  stopped(taskId: TaskId): void {
    this.#open.delete(taskId);
  }

  #traced(taskId: TaskId, record: FetchedRecord): FetchedRecord | undefined {
    const { headerList, topic, partition, offset } = record;
    const parent = contextIn(headerList);
    const { sampleRatio, random, nowMs } = this.#options;
    const isSampled = parent === undefined ? sampleRatio > 0 && random() < sampleRatio : parent.isSampled;
    if (!isSampled || this.#openCount() >= MAX_OPEN) return undefined;
    const span = {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      parentSpanId: parent?.spanId,
      taskId,
      topic,
      partition,
      offset,
      startMs: nowMs(),
    };
    const open = this.#open.get(taskId) ?? new Map<string, Omit<RecordSpan, 'endMs'>>();
    this.#open.set(taskId, open);
    open.set(`${topicPartition(topic, partition)}@${String(offset)}`, span);
    const context = Buffer.from(`00-${span.traceId}-${span.spanId}-01`);
    const others = headerList.filter(([name]) => name !== TRACEPARENT);
    return Object.create(record, { headerList: { value: [...others, [TRACEPARENT, context]] } }) as FetchedRecord;
  }

  #openCount(): number {
    let count = 0;
    for (const open of this.#open.values()) count += open.size;
    return count;
  }
}

/** Undefined without trace context, and for one that is none: the trace begins anew then, as the specification says. */
function contextIn(headers: HeaderList): { traceId: string; spanId: string; isSampled: boolean } | undefined {
  const text = headers.findLast(([name]) => name === TRACEPARENT)?.[1]?.toString('latin1');
  const [, traceId, spanId, flags] = CONTEXT.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}
