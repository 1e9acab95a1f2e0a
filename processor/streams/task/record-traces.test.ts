import { describe, expect, test } from '@jest/globals';
import type { FetchedRecord } from '../kafka/fetched-record.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { DeadLetter, headersByName, type HeaderList, type RecordHeaders } from '../topology/record.ts';
import { type RecordSpan, RecordTraces } from './record-traces.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const sampled = (flags = '01'): HeaderList => [['traceparent', Buffer.from(`00-${TRACE}-${PARENT}-${flags}`)]];

function record(offset: number, headerList: HeaderList, more: object = {}): FetchedRecord {
  const plain = {
    topic: 'orders',
    partition: 3,
    offset,
    get headers(): RecordHeaders {
      return headersByName((this as { headerList: HeaderList }).headerList);
    },
    headerList,
    ...more,
  };
  return plain as unknown as FetchedRecord;
}

const fetched = (...records: FetchedRecord[]): FetchedPartition => ({
  topic: 'orders',
  partition: 3,
  records,
  nextOffset: 100,
  lastStableOffset: 100,
  highWatermark: 100,
  logStartOffset: 0,
  outOfRange: false,
});
const task = (id: '0_3' | '0_4', next: number) => ({ id, committedOffsets: () => new Map([['orders-3', next]]) });

function traces(sampleRatio = 0, random = 0) {
  const spans: RecordSpan[] = [];
  let nowMs = 1_000;
  const made = new RecordTraces({
    sampleRatio,
    onSpans: (some) => spans.push(...some),
    nowMs: () => (nowMs += 1),
    random: () => random,
  });
  return { made, spans };
}

const contextOf = (one: FetchedRecord | undefined): string | undefined => one?.headers['traceparent']?.toString();

describe('a record that comes with trace context', () => {
  test('is handed on under a span of its own, and told of when it is committed', () => {
    const { made, spans } = traces();
    const other: HeaderList = [
      ['tenant', Buffer.from('a')],
      ['tracestate', Buffer.from('x=1')],
    ];
    const { records } = made.applyTo('0_3', fetched(record(7, [...other, ...sampled()])));
    const [, spanId = ''] = new RegExp(`^00-${TRACE}-([0-9a-f]{16})-01$`).exec(contextOf(records[0]) ?? '') ?? [];
    expect(spanId).not.toBe(PARENT);
    expect(records[0]?.headerList.map(([name]) => name)).toEqual(['tenant', 'tracestate', 'traceparent']);
    made.committed(task('0_3', 7));
    expect(spans).toEqual([]);
    made.committed(task('0_3', 8));
    expect(spans).toEqual([
      {
        traceId: TRACE,
        spanId,
        parentSpanId: PARENT,
        taskId: '0_3',
        topic: 'orders',
        partition: 3,
        offset: 7,
        startMs: 1_001,
        endMs: 1_003,
      },
    ]);
    made.committed(task('0_3', 9));
    expect(spans).toHaveLength(1);
  });

  test('that is not sampled is left as it is, whatever the share', () => {
    const { made, spans } = traces(1);
    const before = fetched(record(7, sampled('00')));
    expect(made.applyTo('0_3', before)).toBe(before);
    made.committed(task('0_3', 8));
    expect(spans).toEqual([]);
  });

  test.each([
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    'of no use',
    '',
  ])('that is none, "%s", counts as without', (text) => {
    const before = fetched(record(7, [['traceparent', Buffer.from(text)]]));
    expect(traces(0).made.applyTo('0_3', before)).toBe(before);
    expect(contextOf(traces(1).made.applyTo('0_3', before).records[0])).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test('of a later version of the specification is understood', () => {
    const header: HeaderList = [['traceparent', Buffer.from(`01-${TRACE}-${PARENT}-03-more`)]];
    expect(contextOf(traces().made.applyTo('0_3', fetched(record(7, header))).records[0])).toContain(TRACE);
  });
});

describe('a record without', () => {
  test('begins a trace with the share of all that is asked for', () => {
    const before = fetched(record(7, []));
    expect(traces(0.1, 0.1).made.applyTo('0_3', before)).toBe(before);
    const { made, spans } = traces(0.1, 0.09);
    expect(contextOf(made.applyTo('0_3', before).records[0])).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    made.committed(task('0_3', 8));
    expect(spans).toMatchObject([{ offset: 7, parentSpanId: undefined }]);
  });
});

test('what cannot be read is dead-lettered with its headers as they were', () => {
  const before = fetched(record(7, sampled(), { unreadable: new DeadLetter('WHY', 'because') }));
  expect(traces().made.applyTo('0_3', before)).toBe(before);
});

test('what was not committed when its task stopped is told of once, by whoever has committed it', () => {
  const { made, spans } = traces();
  const first = contextOf(made.applyTo('0_3', fetched(record(7, sampled()))).records[0]);
  made.stopped('0_3');
  const second = contextOf(made.applyTo('0_3', fetched(record(7, sampled()))).records[0]);
  // Read again without a stop: after an abort.
  const third = contextOf(made.applyTo('0_3', fetched(record(7, sampled()))).records[0]);
  expect(new Set([first, second, third]).size).toBe(3);
  made.committed(task('0_4', 8));
  expect(spans).toEqual([]);
  made.committed(task('0_3', 8));
  expect(spans.map(({ spanId }) => `00-${TRACE}-${spanId}-01`)).toEqual([third]);
});

test('a flood of sampled records is traced in part', () => {
  const { made, spans } = traces();
  const flood = Array.from({ length: 3_000 }, (_, offset) => record(offset, sampled()));
  made.applyTo('0_3', fetched(...flood));
  made.committed(task('0_3', 3_000));
  expect(spans).toHaveLength(1_000);
  made.applyTo('0_3', fetched(record(3_000, sampled())));
  made.committed(task('0_3', 3_001));
  expect(spans).toHaveLength(1_001);
});
