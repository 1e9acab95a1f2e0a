import { afterEach, expect } from '@jest/globals';
import { encodeWindowKey, int64Serde, type TableChange } from '@tributary/streams';
import { type ExecutionResult, graphql, parse, subscribe } from 'graphql';
import { z } from 'zod';

import type { openTableRows } from '../../feed/table-rows.ts';
import { takeKeyApart } from '../../feed/take-key-apart.ts';
import { createFedLiveApi, type LiveApi } from '../../live-api.ts';
import type { LiveApiOptions } from '../../live-api-options.ts';
import type { TablesModel } from '../../tables/table-reads.ts';
import { table } from '../../tables/table.ts';

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
export class AttackedShop {
  readonly api: LiveApi;
  readonly model: TablesModel;
  readonly #ends = new Map<string, number>();

  constructor(options: Partial<LiveApiOptions> = {}) {
    const fed: { model?: TablesModel } = {};
    const openRows: typeof openTableRows = ({ model, tables }) => {
      fed.model = model;
      for (const { name, shape } of tables) model.tables[name]?.follow(takeKeyApart(shape.kind, shape));
      model.followPositions(() => new Map([...this.#ends].map(([topic, end]) => [`${topic}-0`, end])));
      return {
        close: () => {
          model.hub.close();
          return Promise.resolve();
        },
      };
    };
    const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
    this.api = createFedLiveApi({ applicationId: 'shop', connection, tables: shopTables, ...options }, openRows);
    this.api.start();
    if (fed.model === undefined) throw new Error('the API has not started');
    this.model = fed.model;
    for (const copy of Object.values(this.model.tables)) copy.copied(new Map([[0, 0]]), 0);
    this.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
  }

  /** `value`: JSON as text, anything else is written as JSON; null deletes. */
  put(topic: string, key: Buffer, value: unknown, timestampMs?: number): void {
    const offset = this.#ends.get(topic) ?? 0;
    this.#ends.set(topic, offset + 1);
    const change: TableChange = {
      topic,
      partition: 0,
      offset,
      timestampMs: timestampMs ?? Date.UTC(2026, 0, 1) + offset,
      key,
      value: value === null ? null : Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    };
    this.model.apply([change]);
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

  async ask(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown): Promise<ExecutionResult> {
    const result = await graphql({ schema: this.api.schema, source, variableValues, contextValue: { viewer } });
    return JSON.parse(JSON.stringify(result)) as ExecutionResult;
  }

  /** What is answered, where there is no error. */
  async data<T = Record<string, never>>(
    source: string,
    variableValues: Record<string, unknown> = {},
    viewer?: unknown,
  ): Promise<T> {
    const { data, errors } = await this.ask(source, variableValues, viewer);
    expect(errors).toBeUndefined();
    return data as T;
  }

  /** The codes, arguments and limits of the errors that are answered. */
  async errors(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown): Promise<unknown> {
    return (await this.ask(source, variableValues, viewer)).errors?.map(({ extensions }) => extensions);
  }

  async watch(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown) {
    const results = await subscribe({
      schema: this.api.schema,
      document: parse(source),
      variableValues,
      contextValue: { viewer },
    });
    if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results));
    const iterator = results[Symbol.asyncIterator]();
    open.push(() => iterator.return?.());
    return async (): Promise<ExecutionResult> => {
      const { value } = await iterator.next();
      return JSON.parse(JSON.stringify(value ?? null)) as ExecutionResult;
    };
  }
}

const open: (() => unknown)[] = [];

/** One for a test; it is closed behind it. */
export function attackedShop(options: Partial<LiveApiOptions> = {}): AttackedShop {
  const shop = new AttackedShop(options);
  open.push(() => shop.api.close());
  return shop;
}

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});
