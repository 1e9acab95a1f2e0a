import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Row } from '../tables/row.ts';
import { byField } from '../tables/row-index.ts';
import type { RowsUpdate } from '../updates/row-updates.ts';
import { decodeTableCursor } from '../updates/table-cursor.ts';
import { PlayedTable } from '../tests/owned-tables/played-table.ts';
import { OwnerSubscription } from './owner-subscription.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const PARTITIONS = 2;

type Step =
  | { readonly do: 'commit'; readonly changes: readonly (readonly [string, number | null])[] }
  | { readonly do: 'deliver'; readonly partition: number; readonly most: number }
  | { readonly do: 'hold'; readonly partition: number; readonly by: 'active' | 'standby' | 'nobody' }
  | { readonly do: 'follow'; readonly partition: number }
  | { readonly do: 'subscribe'; readonly what: Wanted }
  | { readonly do: 'leave' | 'resume' | 'read'; readonly which: number }
  | { readonly do: 'lose'; readonly partition: number };

interface Wanted {
  readonly keys: readonly string[] | null;
  readonly from: string;
  readonly below: number;
  readonly first: number | null;
}

const partition = fc.integer({ min: 0, max: PARTITIONS - 1 });
const which = fc.integer({ min: 0, max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      changes: fc.array(fc.tuple(fc.constantFrom(...KEYS), fc.option(fc.integer({ min: 0, max: 9 }))), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), partition, most: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      partition,
      by: fc.constantFrom('active' as const, 'standby' as const, 'nobody' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('follow' as const), partition }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      what: fc.record({
        keys: fc.option(fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 })),
        from: fc.constantFrom('', 'b', 'd'),
        below: fc.constantFrom(5, 100),
        first: fc.option(fc.integer({ min: 1, max: 3 })),
      }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('read' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'resume' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), partition }) },
);

const compare = byField({ name: 'n', type: { kind: 'scalar', name: 'SafeInt' }, nullable: false }, 'DESC');

/** A client, which checks each update against a recount of the changelog up to the update's cursor. */
class Client {
  readonly wanted: Wanted;
  readonly subscription: OwnerSubscription<RowsUpdate>;
  readonly attached: Promise<void>;
  readonly #table: PlayedTable;
  readonly #held = new Map<string, Row>();
  positions: Readonly<Record<number, number>>;

  constructor(table: PlayedTable, wanted: Wanted, positions: Readonly<Record<number, number>> = {}) {
    this.wanted = wanted;
    this.#table = table;
    this.positions = positions;
    const { keys, from, below, first } = wanted;
    this.subscription = new OwnerSubscription<RowsUpdate>({
      table: table.table,
      keys: keys === null ? null : new Set(keys),
      range: { prefix: '', from, to: null },
      min: positions,
      first,
      compare,
      test: ({ value }) => (value['n'] as number) < below,
      make: (update) => update,
    });
    this.attached = this.subscription.attach();
  }

  read(): boolean {
    const update = this.subscription.nextUpdate();
    if (update === null) return false;
    if (update.kind === 'SNAPSHOT') this.#held.clear();
    for (const row of update.rows) this.#held.set(row.keyText, row);
    for (const id of update.removed)
      if (!this.#held.delete(id.slice('Totals:'.length))) throw new Error(`${id} is removed and was not there`);
    const { declared } = this.#table.table;
    const positions = decodeTableCursor(update.cursor, 'shop', declared)?.positions ?? {};
    for (const [partition, before] of Object.entries(this.positions))
      if ((positions[Number(partition)] ?? 0) < before) throw new Error(`partition ${partition} has gone back`);
    this.positions = positions;
    expect(this.held()).toEqual(this.expected(positions));
    return true;
  }

  held(): string[] {
    return textOf([...this.#held.values()].sort(compare));
  }

  expected(positions: Readonly<Record<number, number>>): string[] {
    const { keys, from, below, first } = this.wanted;
    const rows = this.#table.rowsAt(positions).filter(({ keyText, value }) => {
      return (keys === null || keys.includes(keyText)) && keyText >= from && (value['n'] as number) < below;
    });
    return textOf(rows.sort(compare).slice(0, first ?? rows.length));
  }
}

const textOf = (rows: readonly Row[]): string[] => rows.map(({ keyText, value }) => `${keyText}=${String(value['n'])}`);
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

let played: PlayedTable | null = null;
afterEach(() => played?.close());

test('whatever moves and breaks: a client holds the committed rows at its cursor, and never goes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const table = new PlayedTable(PARTITIONS);
      played = table;
      const clients: Client[] = [];
      const at = (index: number): Client | undefined => clients[index % Math.max(1, clients.length)];
      for (const one of steps) {
        if (one.do === 'commit') table.commit(one.changes);
        else if (one.do === 'deliver') table.deliver(one.partition, one.most);
        else if (one.do === 'hold') table.hold(one.partition, one.by);
        else if (one.do === 'follow') table.catchUp(one.partition);
        else if (one.do === 'lose') table.lose(one.partition);
        else if (one.do === 'subscribe') clients.push(new Client(table, one.what));
        else if (one.do === 'read') at(one.which)?.read();
        else {
          const client = at(one.which);
          if (client === undefined) continue;
          client.subscription.close();
          clients.splice(clients.indexOf(client), 1);
          if (one.do === 'resume') clients.push(new Client(table, client.wanted, client.positions));
        }
        await settled();
      }
      for (let partition = 0; partition < PARTITIONS; partition++) table.hold(partition, 'active');
      table.deliverAll();
      await Promise.all(clients.map(({ attached }) => attached));
      for (let turn = 0; turn < 5; turn++) {
        table.deliverAll();
        await settled();
      }
      for (const client of clients) {
        while (client.read());
        expect(client.held()).toEqual(client.expected(table.ends()));
        client.subscription.close();
      }
      expect(table.followed).toBe(0);
      expect(table.table.followed.bytes).toBe(0);
      await table.close();
    }),
    { numRuns: 400 },
  );
});

test.each(['at first', 'again'])('who reads %s and leaves: no later change is counted for him', async (when) => {
  const table = new PlayedTable(1);
  played = table;
  // More rows than one answer has: the changelog is waited for up to the last answer.
  table.commit(Array.from({ length: 1_500 }, (_, at) => [`k${String(at).padStart(4, '0')}`, 9]));
  const wanted: Wanted = { keys: null, from: '', below: 5, first: null };
  const other = new Client(table, wanted);
  const before = when === 'again' ? new Client(table, wanted) : null;
  await Promise.all([other.attached, before?.attached]);
  table.commit([
    ['k0001', 1],
    ['k0002', 1],
  ]);
  before?.subscription.lost();
  const { subscription } = before ?? new Client(table, wanted);
  await settled();
  table.deliver(0, 1);
  await settled();
  subscription.close();
  table.deliverAll();
  await settled();
  while (other.read());
  expect(other.held()).toEqual(['k0001=1', 'k0002=1']);
  other.subscription.close();
  expect([table.followed, table.table.followed.bytes]).toEqual([0, 0]);
});
