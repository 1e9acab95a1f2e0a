import { partitionOf } from '@tributary/streams/operations';
import type { ExecutionResult } from 'graphql';
import { z } from 'zod';

import { MemoryOwnerReads } from '../../../../tests/support/memory-owner-reads.ts';
import type { openTableRows } from '../../feed/table-rows.ts';
import { createFedLiveApi, type LiveApi } from '../../live-api.ts';
import type { LiveApiOptions } from '../../live-api-options.ts';
import { table } from '../../tables/table.ts';
import type { TailRecord } from '../../owner/changelog-tails.ts';
import { AskedApi, closedAfterwards } from '../support/asked-api.ts';
import { MemoryTail } from './memory-tail.ts';

export const STORE = 'totals';
const TOPIC = 'shop-totals-changelog';
const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
const Totals = z.object({ orders: z.int().min(0), cents: z.int().min(0), note: z.string().optional() });

/**
 * A live API over one store that processors own, of two partitions unless said otherwise, without any broker. `tables`:
 * others over the same store.
 */
export class OwnedShop extends AskedApi {
  readonly api: LiveApi;
  readonly owners = new MemoryOwnerReads();
  readonly log = new Map<number, TailRecord[]>();
  readonly tails: MemoryTail[] = [];
  readonly partitions: number;
  /** False: the changelog is brought by `tail.deliver`. */
  delivers = true;

  constructor(options: Partial<LiveApiOptions> = {}, { partitions = 2, maxRows = 1_000 } = {}) {
    super();
    this.partitions = partitions;
    const totals = table({
      store: STORE,
      key: { sku: z.string() },
      value: Totals,
      orderBy: ['cents'],
      filter: ['orders', 'note'],
      held: 'owner',
      maxRows,
    });
    const openRows: typeof openTableRows = ({ model, onSources }) => {
      const source = {
        topic: TOPIC,
        layout: 'key-value',
        isChangelog: true,
        partitions,
        deleteRetentionMs: 0,
      } as const;
      onSources?.(new Map(Object.keys(given.tables).map((name) => [name, source])));
      model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
      return { close: () => Promise.resolve(model.hub.close()) };
    };
    const given = { applicationId: 'shop', connection, tables: { totals }, owner: { token: 'secret' }, ...options };
    this.api = createFedLiveApi(given, openRows, () => ({
      reads: this.owners,
      openTail: () => {
        const tail = new MemoryTail(TOPIC, this.log);
        this.tails.push(tail);
        return tail;
      },
    }));
    this.api.start();
  }

  /** The tail that is read now. */
  get tail(): MemoryTail {
    const tail = this.tails.at(-1);
    if (tail === undefined) throw new Error('no changelog has been followed');
    return tail;
  }

  partitionOf(key: string): number {
    return partitionOf(Buffer.from(key), this.partitions);
  }

  /** One commit of the owner: `null` deletes. Its changelog has it at once. */
  commit(changes: Readonly<Record<string, unknown>>): void {
    this.#commit(changes, (key) => this.partitionOf(key));
  }

  /** The same, in a partition that the keys do not say. */
  commitAt(partition: number, changes: Readonly<Record<string, unknown>>): void {
    this.#commit(changes, () => partition);
  }

  #commit(changes: Readonly<Record<string, unknown>>, partitionOfKey: (key: string) => number): void {
    const byPartition = new Map<number, [Buffer, Buffer | null][]>();
    for (const [key, value] of Object.entries(changes)) {
      const partition = partitionOfKey(key);
      const change: [Buffer, Buffer | null] = [
        Buffer.from(key),
        value === null ? null : Buffer.from(JSON.stringify(value)),
      ];
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), change]);
    }
    for (const [partition, rows] of byPartition) {
      const log = this.log.get(partition) ?? [];
      this.log.set(partition, log);
      for (const [key, value] of rows) log.push({ offset: log.length, timestampMs: log.length, key, value });
      this.owners.commit(STORE, partition, rows);
      if (this.delivers) for (const tail of this.tails) tail.deliver(partition);
    }
  }
}

/** One for a test; it is closed behind it. */
export function ownedShop(...given: ConstructorParameters<typeof OwnedShop>): OwnedShop {
  return closedAfterwards(new OwnedShop(...given));
}

export const codesOf = ({ errors }: ExecutionResult) => errors?.map(({ extensions }) => extensions);
