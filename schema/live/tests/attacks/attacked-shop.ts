import { encodeWindowKey, int64Serde } from '@tributary/streams';
import { z } from 'zod';

import type { LiveApiOptions } from '../../live-api-options.ts';
import { table } from '../../tables/table.ts';
import { closedAfterwards } from '../support/asked-api.ts';
import { FedApi } from '../support/fed-api.ts';

export const HOUR_MS = 3_600_000;

export const shopTables = {
  skus: table({
    store: 'skus',
    key: { sku: z.string() },
    value: z.object({
      orders: z.int().min(0),
      cents: z.int(),
      note: z.string().optional(),
      at: z.iso.datetime({ offset: true }).optional(),
      day: z.iso.date().optional(),
      units: z.bigint().optional(),
      more: z.unknown().optional(),
    }),
    orderBy: ['cents', 'note', 'at', 'units'],
    filter: ['orders', 'day'],
  }),
  hours: table({
    store: 'hours',
    key: { country: z.string() },
    value: z.object({ orders: z.int() }),
    window: { sizeMs: HOUR_MS, retentionMs: 24 * HOUR_MS },
    filter: ['orders'],
  }),
  visits: table({ store: 'visits', key: { person: z.string() }, value: z.object({ pages: z.int32() }), session: {} }),
  numbers: table({
    topic: 'numbers',
    key: { at: z.bigint() },
    value: z.object({ amount: z.bigint() }),
    orderBy: ['amount'],
  }),
};

/** An API over the shop's tables, or others, whose topics are written by hand. */
export class AttackedShop extends FedApi {
  constructor(options: Partial<LiveApiOptions> = {}) {
    super({ tables: shopTables, ...options });
  }

  sku(key: string, value: unknown): void {
    this.put('shop-skus-changelog', Buffer.from(key), value === null ? null : { orders: 1, cents: 1, ...value });
  }

  hour(country: string, startMs: number, value: unknown): void {
    this.put('shop-hours-changelog', encodeWindowKey(startMs, country), value);
  }

  visit(person: string, startMs: number, endMs: number, value: unknown): void {
    const times = Buffer.concat([int64Serde.serialize(endMs), int64Serde.serialize(startMs)]);
    this.put('shop-visits-changelog', Buffer.concat([times, Buffer.from(person)]), value);
  }
}

/** One for a test; it is closed behind it. */
export function attackedShop(options: Partial<LiveApiOptions> = {}): AttackedShop {
  return closedAfterwards(new AttackedShop(options));
}
