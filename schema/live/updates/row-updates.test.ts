import { describe, expect, test } from '@jest/globals';
import { int64Serde, jsonSerde, stringSerde, type TableChange } from '@tributary/streams';
import fc from 'fast-check';

import type { DeclaredTable, TableShape } from '../tables/declared-table.ts';
import { LiveModel } from '../tables/live-model.ts';
import { compileFilter, type RowFilter } from '../tables/row-filter.ts';
import { rowId } from '../tables/row-id.ts';
import type { RowOrder } from '../tables/row-indexes.ts';
import { RowTable } from '../tables/row-table.ts';
import type { Row } from '../tables/row.ts';
import { decodeTableCursor } from './table-cursor.ts';
import { RowSelection } from './row-selection.ts';
import { type RowsUpdate, RowUpdates } from './row-updates.ts';

/*
 * A topic is a list of records; an instance of the API reads it, from the start or from what compaction has left of it.
 * A client holds what its updates say. At each update that is whole, that must be what a plain query over the topic, up
 * to the positions of the update's cursor, gives: at whatever instance, after whatever pause.
 */

const PARTITIONS = 2;
const HOUR_MS = 3_600_000;
const NOW_MS = 20 * HOUR_MS;
const RETENTION_MS = 4 * HOUR_MS;
const RECORD_GAP_MS = 1_000;

interface Value {
  readonly cents: number;
  readonly note: string | null;
}

interface TopicRecord {
  readonly partition: number;
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: Value | null;
}

function declared(shape: TableShape): DeclaredTable {
  const sku = { name: 'sku', type: { kind: 'scalar', name: 'String' }, nullable: false } as const;
  const cents = { name: 'cents', type: { kind: 'scalar', name: 'SafeInt' }, nullable: false } as const;
  const note = { name: 'note', type: { kind: 'scalar', name: 'String' }, nullable: true } as const;
  return {
    name: 'totals',
    typeName: 'Totals',
    source: { kind: 'store', store: 'totals' },
    shape,
    key: { ...sku, serde: stringSerde, isText: true },
    fields: [cents, note],
    filterFields: [sku, cents, note],
    orderFields: [sku, cents, note],
    plainFields: [sku, cents, note],
    held: 'everywhere',
    maxRows: 100_000,
    served: true,
    readValue: (bytes) => jsonSerde<Record<string, unknown>>().deserialize(bytes),
  };
}

const SHAPES: readonly TableShape[] = [
  { kind: 'key-value' },
  { kind: 'window', sizeMs: HOUR_MS, advanceMs: HOUR_MS, retentionMs: RETENTION_MS },
  { kind: 'session' },
];

/** What the cleaner has done: nothing, left the newest record of each key, or no tombstones either. */
type Cleaned = 'not yet' | 'of old records' | 'of tombstones, too';

/** The topic: offsets count in each partition. */
class Topic {
  readonly changes: TableChange[] = [];
  readonly #ends = new Map<number, number>();

  add({ partition, key, startMs, endMs, value }: TopicRecord): void {
    const offset = this.#ends.get(partition) ?? 0;
    this.#ends.set(partition, offset + 1);
    this.changes.push({
      topic: 'app-totals-changelog',
      partition,
      offset,
      timestampMs: NOW_MS + this.changes.length * RECORD_GAP_MS,
      key: Buffer.concat([int64Serde.serialize(endMs), int64Serde.serialize(startMs), Buffer.from(key)]),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
    });
  }

  /** What the cleaner leaves of it. */
  left(cleaned: Cleaned): TableChange[] {
    if (cleaned === 'not yet') return [...this.changes];
    const newest = new Map(
      this.changes.map((change) => [`${change.partition} ${change.key.toString('latin1')}`, change]),
    );
    const kept = new Set(newest.values());
    return this.changes.filter(
      (change) => kept.has(change) && !(cleaned === 'of tombstones, too' && change.value === null),
    );
  }

  ends(): Map<number, number> {
    return new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, this.#ends.get(partition) ?? 0]));
  }
}

/** One instance of the API. */
class Instance {
  readonly table: RowTable;
  readonly model: LiveModel<{ readonly totals: RowTable }>;
  #read = 0;

  constructor(shape: TableShape) {
    this.table = new RowTable(declared(shape));
    this.table.follow('session');
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    this.model = new LiveModel({
      applicationId: 'app',
      logger: quiet,
      tables: { totals: { store: 'totals', table: this.table } },
      now: () => NOW_MS,
    });
    this.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
  }

  /** Reads what is left of `topic`, and then follows it. */
  copy(topic: Topic, cleaned: Cleaned): void {
    const left = topic.left(cleaned);
    if (left.length > 0) this.model.apply(left);
    this.#read = topic.changes.length;
    const copiedAtMs = NOW_MS + topic.changes.length * RECORD_GAP_MS;
    this.table.copied(topic.ends(), cleaned === 'of tombstones, too' ? copiedAtMs : 0);
  }

  follow(topic: Topic): void {
    const changes = topic.changes.slice(this.#read);
    this.#read = topic.changes.length;
    if (changes.length > 0) this.model.apply(changes);
  }
}

interface Asked {
  readonly keys: readonly string[] | null;
  readonly filter: RowFilter | null;
  readonly order: RowOrder;
  readonly first: number | null;
  readonly last: number | null;
}

const anyKey = fc.constantFrom('a', 'b', 'c', 'd', 'ä', 'e1', 'e2');
const anyFilter: fc.Arbitrary<RowFilter | null> = fc.oneof(
  fc.constant(null),
  fc.record({ cents: fc.record({ gt: fc.integer({ min: 0, max: 9 }) }) }),
  fc.record({ not: fc.record({ note: fc.record({ eq: fc.constantFrom('x', 'y') }) }) }),
  fc.record({ or: fc.constant([{ note: { isNull: true } }, { cents: { lte: 3 } }]) }),
);

function anyAsked(kind: TableShape['kind']): fc.Arbitrary<Asked> {
  return fc.record({
    keys: fc.option(fc.uniqueArray(anyKey, { minLength: 1 })),
    filter: anyFilter,
    order: fc.record({
      field: fc.constantFrom(null, 'cents', 'note'),
      direction: fc.constantFrom('ASC' as const, 'DESC' as const),
    }),
    first: fc.option(fc.integer({ min: 1, max: 4 })),
    last: kind === 'key-value' ? fc.constant(null) : fc.integer({ min: 1, max: 4 }),
  });
}

type Step =
  /** `isUnread`: the clients read nothing meanwhile, be it that they are slow or away. */
  | { readonly kind: 'records'; readonly records: readonly TopicRecord[]; readonly isUnread: boolean }
  /** Another instance, which nobody is connected to yet. */
  | { readonly kind: 'restart'; readonly cleaned: Cleaned }
  | { readonly kind: 'resume' }
  | { readonly kind: 'other'; readonly asked: Asked };

function anyRecord(kind: TableShape['kind']): fc.Arbitrary<TopicRecord> {
  // Some windows begin after the clock, and some are late.
  const hour = kind === 'key-value' ? fc.constant(0) : fc.integer({ min: 12, max: 22 });
  return fc
    .record({
      key: anyKey,
      hour,
      length: fc.integer({ min: 0, max: 3 }),
      value: fc.option(
        fc.record({ cents: fc.integer({ min: 0, max: 9 }), note: fc.constantFrom(null, 'x', 'y', 'zz') }),
        { freq: 3 },
      ),
    })
    .map(({ key, hour: at, length, value }) => ({
      key,
      value,
      partition: key.charCodeAt(0) % PARTITIONS,
      startMs: at * HOUR_MS,
      endMs: kind === 'key-value' ? 0 : (at + (kind === 'window' ? 1 : length)) * HOUR_MS,
    }));
}

function anySteps(kind: TableShape['kind']): fc.Arbitrary<readonly Step[]> {
  const records = fc.record({
    kind: fc.constant('records' as const),
    records: fc.array(anyRecord(kind), { minLength: 1, maxLength: 5 }),
    isUnread: fc.boolean(),
  });
  const restart = fc.record({
    kind: fc.constant('restart' as const),
    cleaned: fc.constantFrom<Cleaned>('not yet', 'of old records', 'of tombstones, too'),
  });
  const resume = fc.constant({ kind: 'resume' as const });
  const other = fc.record({ kind: fc.constant('other' as const), asked: anyAsked(kind) });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: records },
      { weight: 2, arbitrary: restart },
      { weight: 2, arbitrary: resume },
      other,
    ),
    {
      minLength: 1,
      maxLength: 25,
    },
  );
}

/** A subscriber, and what it holds. */
class Client {
  readonly held = new Map<string, Row>();
  readonly kinds: string[] = [];
  readonly #shape: TableShape;
  readonly #asked: Asked;
  #instance: Instance | null = null;
  #updates: RowUpdates<RowsUpdate> | null = null;
  #cursor: string | null = null;
  #isPartial = false;

  constructor(shape: TableShape, asked: Asked) {
    this.#shape = shape;
    this.#asked = asked;
  }

  subscribe(instance: Instance): void {
    const { table, model } = instance;
    this.#instance = instance;
    const { keys, filter, order, first, last } = this.#asked;
    const test = compileFilter(filter, {
      fields: table.declared.plainFields,
      keyName: 'sku',
      argument: 'filter',
    });
    this.#updates = new RowUpdates<RowsUpdate>({
      model,
      selection: new RowSelection({
        table,
        keys: keys === null ? null : new Set(keys.map((key) => Buffer.from(key).toString('latin1'))),
        range: null,
        test,
        order,
        first,
        last,
      }),
      subject: JSON.stringify(this.#asked),
      after: this.#cursor,
      readPositions: () => (partition) => table.positions.of(partition),
      make: (update) => update,
    });
  }

  leave(): void {
    this.#updates = null;
  }

  /** Takes the next update, and holds it against a recount of the topic; without one all is as it was. */
  take(topic: Topic): void {
    if (this.#updates === null || this.#instance === null) return;
    const update = this.#updates.nextUpdate();
    if (update === null) {
      if (!this.#isPartial) this.#compare(topic, this.#instance.table.positions.vector());
      return;
    }
    this.kinds.push(update.kind);
    const table = declared(this.#shape);
    if (update.kind === 'SNAPSHOT' && !this.#isPartial) this.held.clear();
    if (update.kind === 'SNAPSHOT') expect(update.removed).toEqual([]);
    for (const id of update.removed) {
      expect([...this.held.keys()]).toContain(id);
      this.held.delete(id);
    }
    for (const row of update.rows) this.held.set(rowId(table, row), row);
    this.#isPartial = update.more;
    this.#cursor = update.cursor;
    const content = decodeTableCursor(update.cursor, 'app', table);
    if (!update.more) this.#compare(topic, content?.positions ?? {});
  }

  #compare(topic: Topic, positions: Readonly<Record<number, number>>): void {
    const rows = recounted(topic, positions, this.#shape);
    const wanted = asked(rows, this.#asked, this.#shape);
    expect([...this.held].map(([id, { value }]) => `${id} ${JSON.stringify(value)}`).sort()).toEqual(wanted.sort());
  }
}

/** The rows of the topic before `positions`, read plainly. */
function recounted(topic: Topic, positions: Readonly<Record<number, number>>, shape: TableShape): TopicRecord[] {
  const rows = new Map<string, TopicRecord>();
  for (const { partition, offset, key, value } of topic.changes) {
    if (offset >= (positions[partition] ?? 0)) continue;
    const name = key.toString('latin1');
    if (value === null) rows.delete(name);
    else
      rows.set(name, {
        partition,
        key: key.subarray(16).toString('utf8'),
        startMs: int64Serde.deserialize(key.subarray(8, 16)),
        endMs: int64Serde.deserialize(key.subarray(0, 8)),
        value: JSON.parse(value.toString('utf8')) as Value,
      });
  }
  if (shape.kind !== 'window') return [...rows.values()];
  const newestMs = Math.min(NOW_MS, Math.max(...[...rows.values()].map(({ startMs }) => startMs)));
  return [...rows.values()].filter(({ endMs }) => endMs > newestMs - RETENTION_MS);
}

function asked(rows: readonly TopicRecord[], wanted: Asked, shape: TableShape): string[] {
  const { keys, filter, order, first, last } = wanted;
  const bytesOf = ({ key }: TopicRecord): string => Buffer.from(key).toString('latin1');
  const compareKeys = (a: TopicRecord, b: TopicRecord): number =>
    compare(bytesOf(a), bytesOf(b)) || a.startMs - b.startMs || a.endMs - b.endMs;
  const newestMs = Math.min(NOW_MS, Math.max(...rows.map(({ startMs }) => startMs)));
  let chosen = rows.filter(
    (row) =>
      (keys === null || keys.includes(row.key)) &&
      (shape.kind !== 'window' || (row.startMs <= newestMs && row.startMs > newestMs - (last ?? 0) * HOUR_MS)) &&
      passes(row, filter),
  );
  if (shape.kind === 'session')
    chosen = chosen
      .sort((a, b) => b.endMs - a.endMs || b.startMs - a.startMs || compareKeys(a, b))
      .slice(0, last ?? undefined);
  if (first !== null) {
    const sign = order.direction === 'ASC' ? 1 : -1;
    const { field } = order;
    chosen.sort((a, b) => {
      if (field === null) return sign * compare(bytesOf(a), bytesOf(b)) || a.startMs - b.startMs || a.endMs - b.endMs;
      const [left, right] = [a, b].map(({ value }) => value?.[field as keyof Value] ?? null);
      if (left === right) return compareKeys(a, b);
      if (left === null || left === undefined) return 1;
      if (right === null || right === undefined) return -1;
      return left < right ? -sign : sign;
    });
    chosen = chosen.slice(0, first);
  }
  return chosen.map(({ key, startMs, endMs, value }) => {
    const window = shape.kind === 'key-value' ? '' : `${startMs}:${shape.kind === 'session' ? `${endMs}:` : ''}`;
    return `Totals:${window}${key} ${JSON.stringify(value)}`;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function passes({ value }: TopicRecord, filter: RowFilter | null): boolean {
  if (filter === null || value === null) return true;
  if ('cents' in filter) return value.cents > (filter['cents'] as { gt: number }).gt;
  if ('not' in filter) return value.note !== (filter['not'] as { note: { eq: string } }).note.eq;
  return value.note === null || value.cents <= 3;
}

describe.each(SHAPES)('subscriptions to a $kind table', (shape) => {
  test('what a client holds is what a query gives at the cursor, at any instance, after any pause', () => {
    fc.assert(
      fc.property(anyAsked(shape.kind), anySteps(shape.kind), (firstAsked, steps) => {
        const topic = new Topic();
        let instance = new Instance(shape);
        instance.copy(topic, 'not yet');
        const clients = [new Client(shape, firstAsked)];
        clients[0]?.subscribe(instance);
        for (const step of steps) {
          if (step.kind === 'records') {
            for (const record of step.records) topic.add(record);
            instance.follow(topic);
          } else if (step.kind === 'other') {
            const client = new Client(shape, step.asked);
            client.subscribe(instance);
            clients.push(client);
          } else if (step.kind === 'restart') {
            instance = new Instance(shape);
            instance.copy(topic, step.cleaned);
            for (const client of clients) client.leave();
          } else for (const client of clients) client.subscribe(instance);
          if (step.kind !== 'records' || !step.isUnread) for (const client of clients) client.take(topic);
        }
      }),
      { numRuns: Number(process.env['RUNS'] ?? 500) },
    );
  });
});

describe('a client that comes back', () => {
  test.each(SHAPES)('is told only what changed of a $kind table, removed rows among it', (shape) => {
    const hour = shape.kind === 'key-value' ? 0 : 18;
    const record = (key: string, value: Value | null): TopicRecord => ({
      partition: 0,
      key,
      startMs: hour * HOUR_MS,
      endMs: shape.kind === 'key-value' ? 0 : (hour + 1) * HOUR_MS,
      value,
    });
    const topic = new Topic();
    const [left, right] = [new Instance(shape), new Instance(shape)];
    for (const instance of [left, right]) instance.copy(topic, 'not yet');
    const client = new Client(shape, {
      keys: null,
      filter: null,
      order: { field: null, direction: 'ASC' },
      first: null,
      last: shape.kind === 'key-value' ? null : 10,
    });
    for (const key of ['a', 'b', 'c']) topic.add(record(key, { cents: 1, note: null }));
    left.follow(topic);
    client.subscribe(left);
    client.take(topic);
    topic.add(record('b', null));
    topic.add(record('c', { cents: 2, note: null }));
    // Made and removed while the client was away: it has never heard of it.
    topic.add(record('d', { cents: 2, note: null }));
    topic.add(record('d', null));
    right.follow(topic);
    client.subscribe(right);
    client.take(topic);
    expect(client.kinds).toEqual(['SNAPSHOT', 'DELTA']);
  });

  test('loses no row that went and came again, out of its sight, at an instance that was made meanwhile', () => {
    const [shape] = SHAPES as readonly [TableShape];
    const record = (cents: number | null): TopicRecord => ({
      partition: 0,
      key: 'a',
      startMs: 0,
      endMs: 0,
      value: cents === null ? null : { cents, note: null },
    });
    const topic = new Topic();
    const before = new Instance(shape);
    before.copy(topic, 'not yet');
    const filter = { cents: { gt: 5 } };
    const client = new Client(shape, {
      keys: null,
      filter,
      order: { field: null, direction: 'ASC' },
      first: null,
      last: null,
    });
    topic.add(record(9));
    before.follow(topic);
    client.subscribe(before);
    client.take(topic);
    client.leave();
    topic.add(record(null));
    const after = new Instance(shape);
    after.copy(topic, 'of old records');
    topic.add(record(1));
    after.follow(topic);
    client.subscribe(after);
    client.take(topic);
    // What the row was at the cursor cannot be known here.
    expect(client.kinds).toEqual(['SNAPSHOT', 'SNAPSHOT']);
  });

  test('and of the first of the newest sessions, one that was not sent may leave room for another one', () => {
    const shape: TableShape = { kind: 'session' };
    const session = (key: string, from: number, to: number, cents: number | null): TopicRecord => ({
      partition: key === 'a' ? 1 : 0,
      key,
      startMs: from * HOUR_MS,
      endMs: to * HOUR_MS,
      value: cents === null ? null : { cents, note: null },
    });
    const topic = new Topic();
    const instance = new Instance(shape);
    instance.copy(topic, 'not yet');
    const order = { field: null, direction: 'DESC' } as const;
    const client = new Client(shape, { keys: null, filter: null, order, first: 1, last: 4 });
    for (const [key, from, to] of [
      ['a', 12, 12],
      ['d', 12, 12],
      ['d', 20, 22],
      ['a', 13, 13],
      ['d', 12, 13],
    ] as const)
      topic.add(session(key, from, to, 0));
    instance.follow(topic);
    client.subscribe(instance);
    client.take(topic);
    expect([...client.held.keys()]).toEqual([`Totals:${12 * HOUR_MS}:${13 * HOUR_MS}:d`]);
    topic.add(session('d', 20, 22, null));
    instance.follow(topic);
    client.take(topic);
    expect([...client.held.keys()]).toEqual([`Totals:${12 * HOUR_MS}:${12 * HOUR_MS}:d`]);
  });
});
