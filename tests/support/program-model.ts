import {
  at,
  FILTERS,
  foreignKeyOf,
  isEnd,
  isRow,
  joined,
  keyOfValue,
  MAPS,
  spread,
  windowText,
  type EndPlan,
  type InputRecord,
  type StreamPlan,
  type TablePlan,
  type WindowsPlan,
} from './random-program.ts';

/*
 * What a program comes to, by the definitions alone: streams are lists of records, tables are maps. There is no time
 * that passes, since nothing is late.
 */

interface StreamRecord {
  readonly key: string | null;
  readonly value: number;
  readonly timestampMs: number;
}

/** A record of a stream, or the last row of a key in a table. */
export type Outcome = readonly StreamRecord[] | ReadonlyMap<string, number>;

export function outcomeOf(plan: EndPlan, inputs: readonly InputRecord[]): Outcome {
  if (plan.e === 'stream') return recordsOf(plan.of, inputs);
  if (plan.e === 'table') return rowsOf(plan.of, inputs);
  return windowsOf(plan.windows, plan.with, recordsOf(plan.of, inputs));
}

function recordsOf(plan: StreamPlan, inputs: readonly InputRecord[]): StreamRecord[] {
  switch (plan.s) {
    case 'source':
      return inputs.flatMap(({ topic, key, value, timestampMs }) =>
        topic === plan.topic && value !== null ? { key, value, timestampMs } : [],
      );
    case 'filter':
      return recordsOf(plan.of, inputs).filter(({ key, value }) => isEnd(key) || at(FILTERS, plan.f)(value));
    case 'mapValues':
      return recordsOf(plan.of, inputs).map((record) => ({ ...record, value: at(MAPS, plan.f)(record.value) }));
    case 'flatMapValues':
      return recordsOf(plan.of, inputs).flatMap((record) =>
        (isEnd(record.key) ? [record.value] : spread(record.value, plan.f)).map((value) => ({ ...record, value })),
      );
    case 'rekey':
      return recordsOf(plan.of, inputs).map((record) =>
        isEnd(record.key) ? record : { ...record, key: keyOfValue(record.value, plan.f) },
      );
    case 'merge':
      // A stream merged with itself is that stream, as in Kafka Streams.
      if (plan.a.s === 'source' && plan.b.s === 'source' && plan.a.topic === plan.b.topic)
        return recordsOf(plan.a, inputs);
      return [...recordsOf(plan.a, inputs), ...recordsOf(plan.b, inputs)];
    case 'join':
      return joinedRecords(plan, recordsOf(plan.a, inputs), recordsOf(plan.b, inputs));
    case 'lookup':
      return recordsOf(plan.of, inputs).flatMap(({ key, value, timestampMs }) => {
        const earlier = inputs.filter((input) => input.timestampMs <= timestampMs);
        const row = key === null ? undefined : rowsOf(plan.table, earlier).get(key);
        if (row === undefined && plan.kind === 'join') return [];
        return { key, value: joined(value, row ?? null), timestampMs };
      });
  }
}

function joinedRecords(
  { kind, beforeMs, afterMs }: Extract<StreamPlan, { s: 'join' }>,
  left: readonly StreamRecord[],
  right: readonly StreamRecord[],
): StreamRecord[] {
  const meet = (a: StreamRecord, b: StreamRecord): boolean =>
    a.key !== null &&
    a.key === b.key &&
    b.timestampMs >= a.timestampMs - beforeMs &&
    b.timestampMs <= a.timestampMs + afterMs;
  const matches = left.flatMap((a) =>
    right.flatMap((b) =>
      meet(a, b)
        ? { key: a.key, value: joined(a.value, b.value), timestampMs: Math.max(a.timestampMs, b.timestampMs) }
        : [],
    ),
  );
  const alone = (side: readonly StreamRecord[], isMet: (one: StreamRecord) => boolean): StreamRecord[] =>
    side.filter((one) => !isMet(one));
  const lonelyLeft = alone(left, (a) => right.some((b) => meet(a, b))).map((a) => ({
    ...a,
    value: joined(a.value, null),
  }));
  const lonelyRight = alone(right, (b) => left.some((a) => meet(a, b))).map((b) => ({
    ...b,
    value: joined(null, b.value),
  }));
  return [...matches, ...(kind === 'join' ? [] : lonelyLeft), ...(kind === 'outerJoin' ? lonelyRight : [])];
}

function rowsOf(plan: TablePlan, inputs: readonly InputRecord[]): Map<string, number> {
  switch (plan.t) {
    case 'source': {
      const rows = new Map<string, number>();
      for (const { topic, key, value } of inputs) {
        if (topic !== plan.topic || key === null) continue;
        if (value === null) rows.delete(key);
        else rows.set(key, value);
      }
      return rows;
    }
    case 'count':
    case 'sum':
    case 'texts': {
      const rows = new Map<string, number>();
      for (const { key, value } of recordsOf(plan.of, inputs)) {
        if (key === null) continue;
        rows.set(key, (rows.get(key) ?? 0) + (plan.t === 'count' ? 1 : plan.t === 'sum' ? value : 2 * value));
      }
      return rows;
    }
    case 'filter':
      return new Map([...rowsOf(plan.of, inputs)].filter(([, value]) => at(FILTERS, plan.f)(value)));
    case 'mapValues':
      return new Map([...rowsOf(plan.of, inputs)].map(([key, value]) => [key, at(MAPS, plan.f)(value)]));
    case 'join': {
      const [a, b] = [rowsOf(plan.a, inputs), rowsOf(plan.b, inputs)];
      const keys = new Set([...a.keys(), ...(plan.kind === 'outerJoin' ? b.keys() : [])]);
      return new Map(
        [...keys].flatMap((key) =>
          plan.kind === 'join' && !b.has(key) ? [] : [[key, joined(a.get(key) ?? null, b.get(key) ?? null)] as const],
        ),
      );
    }
    case 'foreign': {
      const [a, b] = [rowsOf(plan.a, inputs), rowsOf(plan.b, inputs)];
      return new Map(
        [...a].flatMap(([key, value]) => {
          const other = b.get(foreignKeyOf(value) ?? '');
          return plan.kind === 'join' && other === undefined ? [] : [[key, joined(value, other ?? null)] as const];
        }),
      );
    }
    case 'regroup': {
      const rows = new Map<string, number>();
      for (const value of rowsOf(plan.of, inputs).values()) {
        const key = keyOfValue(value, plan.f);
        rows.set(key, (rows.get(key) ?? 0) + value);
      }
      return new Map([...rows].filter(([, sum]) => isRow(sum)));
    }
  }
}

function windowsOf(plan: WindowsPlan, what: 'count' | 'sum', records: readonly StreamRecord[]): Map<string, number> {
  const rows = new Map<string, number>();
  for (const key of new Set(records.map((record) => record.key))) {
    if (key === null) continue;
    const own = records.filter((record) => record.key === key);
    for (const [startMs, endMs, members] of cut(plan, own))
      rows.set(
        windowText({ key, startMs, endMs }),
        members.reduce((sum, { value }) => sum + (what === 'count' ? 1 : value), 0),
      );
  }
  return rows;
}

/** The windows of one key, each with the records in it. */
function cut(plan: WindowsPlan, records: readonly StreamRecord[]): [number, number, StreamRecord[]][] {
  const times = records.map(({ timestampMs }) => timestampMs).sort((a, b) => a - b);
  const between = (from: number, to: number): StreamRecord[] =>
    records.filter(({ timestampMs }) => timestampMs >= from && timestampMs <= to);
  const distinct = (starts: readonly number[]): number[] => [...new Set(starts)];
  switch (plan.w) {
    case 'tumbling':
    case 'hopping': {
      const { sizeMs } = plan;
      const advanceMs = plan.w === 'hopping' ? plan.advanceMs : sizeMs;
      const starts = times.flatMap((timeMs) => {
        const all: number[] = [];
        for (
          let start = Math.floor(timeMs / advanceMs) * advanceMs;
          start > timeMs - sizeMs && start >= 0;
          start -= advanceMs
        )
          all.push(start);
        return all;
      });
      return distinct(starts).map((start) => [start, start + sizeMs, between(start, start + sizeMs - 1)]);
    }
    case 'sliding': {
      const { differenceMs } = plan;
      const ending = times.map((timeMs) => Math.max(0, timeMs - differenceMs));
      const beginning = times
        .filter((timeMs) => between(timeMs + 1, timeMs + 1 + differenceMs).length > 0)
        .map((timeMs) => timeMs + 1);
      return distinct([...ending, ...beginning]).map((start) => [
        start,
        start + differenceMs,
        between(start, start + differenceMs),
      ]);
    }
    case 'session': {
      const sessions: [number, number][] = [];
      for (const timeMs of times) {
        const last = sessions.at(-1);
        if (last !== undefined && timeMs - last[1] <= plan.gapMs) last[1] = timeMs;
        else sessions.push([timeMs, timeMs]);
      }
      return sessions.map(([start, end]) => [start, end, between(start, end)]);
    }
  }
}

interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
}

/** What a program has written to its topic, as an outcome. */
export function writtenOf(plan: EndPlan, written: readonly Written[]): Outcome {
  if (plan.e === 'stream')
    return written.map(({ key, value, timestampMs }) => ({
      key: key === null ? null : key.toString(),
      value: Number(value),
      timestampMs,
    }));
  const rows = new Map<string, number>();
  for (const { key, value } of written) {
    if (value === null) rows.delete(String(key));
    else rows.set(String(key), Number(value));
  }
  return rows;
}

/** An outcome in an order of its own. */
export function comparable(outcome: Outcome): string[] {
  const lines = Array.isArray(outcome)
    ? outcome.map(
        ({ key, value, timestampMs }: StreamRecord) => `${String(key)}=${String(value)}@${String(timestampMs)}`,
      )
    : [...(outcome as ReadonlyMap<string, number>)].map(([key, value]) => `${key}=${String(value)}`);
  return lines.sort();
}
