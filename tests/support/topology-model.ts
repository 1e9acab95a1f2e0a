import { isUtf8 } from 'node:buffer';
import {
  at,
  decodeItem,
  FILTERS,
  NEW_KEYS,
  spread,
  type End,
  type Input,
  type Item,
  type Plan,
  type WindowPlan,
} from './random-topology.ts';

/*
 * What a plan's tables and outputs are, counted by loops over lists: no tasks, no partitions, no commits, no stores.
 * Late is nothing here: what the runtime leaves out it must have counted.
 */

interface Row {
  readonly key: string | null;
  readonly item: Item;
  readonly timeMs: number;
}

/** What a table should hold: by key and window start (-1: no windows). */
export type Rows = Map<string, { count: number; sum: number }>;

export interface Expected {
  /** Of input records, by reason. */
  readonly deadLetters: Record<string, number>;
  readonly invalidTimes: number;
  readonly nullKeys: number;
  readonly outputs: Map<string, [string | null, number, number][]>;
  readonly tables: Map<string, Rows>;
}

export const rowId = (key: string, windowStartMs: number): string => `${String(windowStartMs)}:${key}`;

export function expectedOf(plan: Plan, batches: readonly (readonly Input[])[]): Expected {
  const deadLetters: Record<string, number> = {};
  let invalidTimes = 0;
  const refuse = (reason: string): void => {
    deadLetters[reason] = (deadLetters[reason] ?? 0) + 1;
  };
  const read = (topic: string): Row[] =>
    batches.flat().flatMap(({ topic: of, key, value }): Row[] => {
      if (of !== topic) return [];
      const item = decodeItem(value);
      if (item === undefined) return (refuse('NO_ITEM'), []);
      const timeMs =
        typeof item.at === 'number' && item.at >= 0 && item.at <= 8.64e15 ? Math.floor(item.at) : undefined;
      const noText = key !== null && !isUtf8(key);
      if (noText || timeMs === undefined) {
        if (plan.deadLetters) refuse(timeMs === undefined ? 'INVALID_TIMESTAMP' : 'DESERIALIZATION_FAILED');
        else invalidTimes += 1;
        return [];
      }
      return [{ key: key === null ? null : key.toString('utf8'), item, timeMs }];
    });
  const streams: Row[][] = [read('a'), read('b')];
  // Whose keys are the topic's own: groupByKey counts them where they are.
  const local = [true, true];
  for (const step of plan.ops) {
    const rows = at(streams, step.from);
    const [isLocal, others] = [at(local, step.from), streams.length];
    switch (step.op) {
      case 'filter':
        streams.push(rows.filter(({ item, key }) => at(FILTERS, step.f)(item, key)));
        break;
      case 'mapValues':
      case 'changeValues':
        streams.push(rows.map((row) => ({ ...row, item: { ...row.item, n: row.item.n + 1 } })));
        break;
      case 'map':
        streams.push(rows.map((row) => ({ ...row, key: at(NEW_KEYS, step.f)(row.item, row.key) })));
        break;
      case 'flatMap':
      case 'flatMapValues':
        streams.push(rows.flatMap((row) => spread(row.item, step.f).map((item) => ({ ...row, item }))));
        break;
      case 'peek':
        streams.push(rows);
        break;
      case 'branch': {
        const [first, second] = [at(FILTERS, step.f), at(FILTERS, step.f + 1)];
        streams.push(
          rows.filter(({ item, key }) => first(item, key)),
          rows.filter(({ item, key }) => !first(item, key) && second(item, key)),
        );
        break;
      }
      // A stream merged with itself is itself, as in Kafka Streams.
      case 'merge':
        streams.push(
          step.from % streams.length === step.other % streams.length ? rows : [...rows, ...at(streams, step.other)],
        );
        break;
    }
    const stays =
      step.op === 'merge'
        ? isLocal && (local[step.other % others] as boolean)
        : isLocal && step.op !== 'map' && step.op !== 'flatMap';
    while (local.length < streams.length) local.push(stays);
  }
  const outputs: Expected['outputs'] = new Map();
  const tables: Expected['tables'] = new Map();
  let nullKeys = 0;
  for (const [index, end] of plan.ends.entries()) {
    const name = String(index);
    const rows = at(streams, end.from);
    if (end.end !== 'tables')
      outputs.set(
        `out-${name}`,
        rows.map(({ key, item }) => [key, item.id, item.n]),
      );
    if (end.end === 'process')
      tables.set(
        name,
        addUp(
          rows.map((row) => ({ ...row, key: row.key ?? 'none' })),
          null,
        ),
      );
    if (end.end !== 'tables') continue;
    const grouped = rows.map((row) => ({
      ...row,
      key: end.by === 'key' ? row.key : at(NEW_KEYS, end.f)(row.item, row.key),
    }));
    const keyed = grouped.filter((row): row is Row & { key: string } => row.key !== null);
    nullKeys += (grouped.length - keyed.length) * timesGrouped(end, end.by === 'key' && at(local, end.from));
    for (const [table, windows] of end.windows.entries()) tables.set(`${name}-${String(table)}`, addUp(keyed, windows));
  }
  return { deadLetters, invalidTimes, nullKeys, outputs, tables };
}

/** A record without a key is passed over by each combiner or sender, or by each table where it is counted in place. */
function timesGrouped(end: End & { end: 'tables' }, isLocal: boolean): number {
  if (isLocal) return end.windows.length;
  const plain = end.windows.filter((windows) => windows === null).length;
  return end.with === 'reduce' && !end.oneByOne ? plain + (plain < end.windows.length ? 1 : 0) : 1;
}

function addUp(rows: readonly (Row & { key: string })[], windows: WindowPlan | null): Rows {
  const found: Rows = new Map();
  for (const { key, item, timeMs } of rows) {
    for (const start of windows === null ? [-1] : startsOf(windows, timeMs)) {
      const id = rowId(key, start);
      const row = found.get(id) ?? { count: 0, sum: 0 };
      found.set(id, { count: row.count + 1, sum: row.sum + item.n });
    }
  }
  return found;
}

function startsOf({ sizeMs, advanceMs }: WindowPlan, timeMs: number): number[] {
  const starts: number[] = [];
  for (let start = timeMs - (timeMs % advanceMs); start >= 0 && timeMs < start + sizeMs; start -= advanceMs)
    starts.push(start);
  return starts;
}
