import { afterEach, expect, test } from '@jest/globals';
import type { GlobalTableOptions, TableChange } from '@tributary/streams';
import { avroSerde, schemaRegistry } from '@tributary/streams/schema-registry';
import { z } from 'zod';

import { RegistryInAThread } from '../../../tests/support/registry-in-a-thread.ts';
import { until } from '../../../tests/support/until.ts';
import { createFedLiveApi, type LiveApi } from '../live-api.ts';
import { table } from '../tables/table.ts';
import type { FeedSource } from './feed-source.ts';
import { openTableFeed } from './table-feed.ts';
import { openTableRows } from './table-rows.ts';

/*
 * An API that meets a schema id which it has not seen, while the schema registry is away: the row is not at fault, and
 * a copy without it would not be the table.
 */

const TOPIC = 'orders';
const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const change = (partition: number, offset: number, key: string, value: string): TableChange => ({
  topic: TOPIC,
  partition,
  offset,
  timestampMs: Date.UTC(2026, 0, 1),
  key: Buffer.from(key),
  value: Buffer.from(value, 'hex'),
});
/** Text of Avro behind the id of its schema. */
const avro = (id: number, text: string): string =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, id, text.length * 2]), Buffer.from(text)]).toString('hex');

/** Hands over records of two partitions as a global table does: none of a partition that has some to be applied. */
class HandedOver {
  readonly api: LiveApi;
  readonly #waiting = new Set<number>();
  #options: GlobalTableOptions | undefined;

  constructor(url: string) {
    const source: FeedSource = {
      topic: TOPIC,
      layout: 'key-value',
      isChangelog: false,
      partitions: 2,
      deleteRetentionMs: 3_600_000,
    };
    const serde = avroSerde(schemaRegistry({ url, timeoutMs: 1_000 }));
    const value = z.object({ name: z.string() });
    const orders = table({
      topic: TOPIC,
      key: { sku: z.string() },
      value,
      serde: { ...serde, deserialize: (bytes) => ({ name: serde.deserialize(bytes) }) },
    });
    this.api = createFedLiveApi(
      { applicationId: 'app', connection: { brokers: ['127.0.0.1:9'], clientId: 'test' }, tables: { orders } },
      (given) =>
        openTableRows({
          ...given,
          openFeed: (feed) =>
            openTableFeed({
              ...feed,
              findSources: () => Promise.resolve(new Map([['orders', source]])),
              createTable: (options) => {
                if (options.topics.includes(TOPIC)) this.#options = options;
                return {
                  start: () => this.#say(),
                  state: () => this.#state(),
                  positions: () => new Map(),
                  caughtUpAtMs: () => 1,
                  close: () => Promise.resolve(),
                };
              },
            }),
        }),
    );
    opened.push(() => this.api.close());
  }

  #state() {
    const complete = this.#waiting.size === 0;
    return { caughtUpOnce: true, complete, reason: complete ? null : 'what was read last is not applied yet' };
  }

  #say(): void {
    this.#options?.onState(this.#state());
  }

  hand(partition: number, ...changes: readonly TableChange[]): void {
    if (this.#waiting.has(partition)) throw new Error(`partition ${partition} waits`);
    const applied = this.#options?.onChanges(changes) as Promise<void> | undefined;
    if (applied === undefined) return;
    this.#waiting.add(partition);
    this.#say();
    void applied.then(() => {
      this.#waiting.delete(partition);
      this.#say();
    });
  }

  reset(partition: number): void {
    this.#options?.onReset(TOPIC, partition);
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }
}

async function get(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

/** `sku=name` of the API's rows, and what it answers about their completeness. */
async function shownBy(url: string): Promise<{ readonly rows: readonly string[]; readonly complete: boolean }> {
  const query = '{ ordersPage(first: 10) { nodes { sku name } freshness { complete } } }';
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as {
    readonly data: {
      readonly ordersPage: {
        readonly nodes: readonly { readonly sku: string; readonly name: string }[];
        readonly freshness: { readonly complete: boolean };
      };
    };
  };
  const { nodes, freshness } = data.ordersPage;
  return { rows: nodes.map(({ sku, name }) => `${sku}=${name}`).toSorted(), complete: freshness.complete };
}

test('a schema that cannot be had now is waited for: nothing ends, nothing is skipped, /ready says why', async () => {
  const registry = await RegistryInAThread.start(['string']);
  opened.push(() => registry.stop());
  const handed = new HandedOver(registry.url);
  const { url } = await handed.api.listen();
  await until(async () => (await get(`${url}/ready`)).status === 200, 'the API is ready');
  handed.hand(0, change(0, 0, 'a', avro(1, 'x')), change(0, 1, 'b', avro(1, 'y')), change(0, 2, 'a', avro(1, 'z')));
  const { status, text } = await get(`${url}/ready`);
  expect([status, text]).toEqual([
    503,
    expect.stringMatching(/SCHEMA_REGISTRY_AWAY: .*; what is read of orders-0 waits/),
  ]);
  expect((await get(`${url}/health`)).status).toBe(200);
  handed.hand(1, change(1, 0, 'c', avro(1, 'w')));
  expect((await get(`${url}/ready`)).text).toContain('orders-0, orders-1');
  expect(await shownBy(url)).toEqual({ rows: [], complete: false });
  await registry.comeBack();
  await until(() => !handed.isWaiting, 'what waited is applied');
  expect((await get(`${url}/ready`)).status).toBe(200);
  expect(await shownBy(url)).toEqual({ rows: ['a=z', 'b=y', 'c=w'], complete: true });
  // An id that is known needs no registry.
  await registry.goAway();
  handed.hand(0, change(0, 3, 'd', avro(1, 'v')));
  expect(await shownBy(url)).toEqual({ rows: ['a=z', 'b=y', 'c=w', 'd=v'], complete: true });
});

test('what waits is forgotten with its partition, which brings it again', async () => {
  const registry = await RegistryInAThread.start(['string']);
  opened.push(() => registry.stop());
  const handed = new HandedOver(registry.url);
  const { url } = await handed.api.listen();
  handed.hand(0, change(0, 0, 'a', avro(1, 'old')));
  expect(handed.isWaiting).toBe(true);
  handed.reset(0);
  await until(() => !handed.isWaiting, 'nothing waits any more');
  handed.hand(0, change(0, 0, 'b', avro(1, 'new')));
  await registry.comeBack();
  await until(() => !handed.isWaiting, 'what waited is applied');
  expect(await shownBy(url)).toEqual({ rows: ['b=new'], complete: true });
});
