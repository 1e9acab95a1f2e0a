import { jsonSerde, stringSerde } from '@tributary/streams';
import { partitionOf } from '@tributary/streams/operations';
import { MemoryOwnerReads } from '../../../../tests/support/memory-owner-reads.ts';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { ChangelogTails, type TailRecord } from '../../owner/changelog-tails.ts';
import { FollowedBytes } from '../../limits/followed-bytes.ts';
import { OwnerTable } from '../../owner/owner-table.ts';
import type { DeclaredTable } from '../../tables/declared-table.ts';
import type { Row } from '../../tables/row.ts';
import { MemoryTail } from './memory-tail.ts';

const STORE = 'totals';
const TOPIC = 'shop-totals-changelog';
const SKU = { name: 'sku', type: { kind: 'scalar', name: 'String' }, nullable: false } as const;
const N = { name: 'n', type: { kind: 'scalar', name: 'SafeInt' }, nullable: false } as const;
const DECLARED: DeclaredTable = {
  name: 'totals',
  typeName: 'Totals',
  source: { kind: 'store', store: STORE },
  shape: { kind: 'key-value' },
  key: { ...SKU, serde: stringSerde, isText: true },
  fields: [N],
  filterFields: [SKU, N],
  orderFields: [SKU, N],
  plainFields: [SKU, N],
  held: 'owner',
  maxRows: 1_000,
  served: true,
  readValue: (bytes) => jsonSerde<Record<string, unknown>>().deserialize(bytes),
};

/** An owner table whose owners and changelog a test plays, step by step. */
export class PlayedTable {
  readonly table: OwnerTable;
  readonly owners = new MemoryOwnerReads();
  readonly #log = new Map<number, TailRecord[]>();
  readonly #tails: ChangelogTails;
  readonly #partitions: number;
  #fetcher: MemoryTail | null = null;

  constructor(partitions: number) {
    this.#partitions = partitions;
    const model = { applicationId: 'shop', now: () => 0, lag: () => null, noteUnreadable: () => undefined };
    this.table = new OwnerTable({
      declared: DECLARED,
      model: model as unknown as OwnerTable['model'],
      logger: quietLogger,
      allowStale: true,
      followed: new FollowedBytes(),
    });
    this.#tails = new ChangelogTails({
      logger: quietLogger,
      open: () => {
        this.#fetcher = new MemoryTail(TOPIC, this.#log);
        return this.#fetcher;
      },
    });
    this.table.connect({ reads: this.owners, tails: this.#tails });
    this.table.follow({ topic: TOPIC, layout: 'key-value', isChangelog: true, partitions, deleteRetentionMs: 0 });
  }

  /** How many partitions are followed. */
  get followed(): number {
    return this.#tails.size;
  }

  commit(changes: readonly (readonly [string, number | null])[]): void {
    const byPartition = Map.groupBy(changes, ([key]) => partitionOf(Buffer.from(key), this.#partitions));
    for (const [partition, ofPartition] of byPartition) {
      const log = this.#log.get(partition) ?? [];
      this.#log.set(partition, log);
      const rows = ofPartition.map(([key, n]): [Buffer, Buffer | null] => [
        Buffer.from(key),
        n === null ? null : Buffer.from(JSON.stringify({ n })),
      ]);
      for (const [key, value] of rows) log.push({ offset: log.length, timestampMs: 1, key, value });
      this.owners.commit(STORE, partition, rows);
    }
  }

  deliver(partition: number, most: number): void {
    this.#fetcher?.deliver(partition, most);
  }

  deliverAll(): void {
    for (let partition = 0; partition < this.#partitions; partition++) this.#fetcher?.deliver(partition);
  }

  hold(partition: number, by: 'active' | 'standby' | 'nobody'): void {
    this.owners.hold(STORE, partition, by);
  }

  /** Its standby reads to the end. */
  catchUp(partition: number): void {
    this.owners.follow(STORE, partition);
  }

  /** The changelog does not hold the offset that is read next. */
  lose(partition: number): void {
    this.#fetcher?.outOfRange(partition);
  }

  ends(): Readonly<Record<number, number>> {
    return Object.fromEntries([...this.#log].map(([partition, records]) => [partition, records.length]));
  }

  /** All rows that were committed before these offsets. */
  rowsAt(positions: Readonly<Record<number, number>>): Row[] {
    const rows = new Map<string, Row>();
    for (const [partition, records] of this.#log)
      for (const { key, value, offset } of records.slice(0, positions[partition] ?? 0)) {
        const keyText = String(key);
        if (value === null) rows.delete(keyText);
        else
          rows.set(keyText, {
            ...{
              name: keyText,
              key: keyText,
              keyText,
              startMs: 0,
              endMs: 0,
              partition,
              offset,
              timestampMs: 1,
              bytes: 0,
            },
            value: JSON.parse(value.toString()) as Record<string, unknown>,
          });
      }
    return [...rows.values()];
  }

  async close(): Promise<void> {
    this.owners.close();
    await this.#tails.close();
  }
}
