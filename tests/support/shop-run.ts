import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { decodeWindowKey, isRuntimeRow, type KafkaConnectionConfig } from '@tributary/streams';
import { changelogTopic } from '@tributary/streams/operations';
import { orderPlaced, type ShopEvent } from '../../examples/shop/events.ts';
import type { SkuTotals, Totals, UnpaidOrder } from '../../examples/shop/model.ts';
import { APPLICATION_ID, PAYMENT_DUE_MS } from '../../examples/shop/names.ts';
import type { ShopNumbers } from '../../examples/shop/recount.ts';
import { simulate } from '../../examples/shop/simulation.ts';
import { postGraphql } from './api-under-test.ts';
import { AppProcess, killAll } from './app-process.ts';
import { testPort } from './test-port.ts';
import { testProducer } from './test-producer.ts';
import { readTopic } from './topic-reader.ts';

/** Enough orders to move the time of every partition, by order and by customer. */
const ORDERS_EVERYWHERE = 60;

/** What is asked of the rows of each table. */
export const SHOP_FIELDS = {
  customerTotals: 'customerId orders cents',
  skuTotals: 'sku orders cents quantity',
  countryHours: 'country window { start } orders cents',
  unpaidOrders: 'orderId customerId placedAt cents paidCents',
} as const;

type ServedRow = Readonly<Record<string, unknown>> & { readonly window?: { readonly start: string } };

/** Rows as an API serves them, by key as the recount has them. */
export function numbersOf(rows: Readonly<Record<keyof typeof SHOP_FIELDS, Iterable<ServedRow>>>): ShopNumbers {
  const byKey = (of: Iterable<ServedRow>, key: string): Record<string, never> =>
    Object.fromEntries(
      Array.from(of, ({ id: _id, window, [key]: name, ...value }) => [
        window === undefined ? String(name) : `${String(name)} ${window.start}`,
        value as never,
      ]),
    );
  return {
    customerTotals: byKey(rows.customerTotals, 'customerId'),
    skuTotals: byKey(rows.skuTotals, 'sku'),
    countryHours: byKey(rows.countryHours, 'country'),
    unpaidOrders: byKey(rows.unpaidOrders, 'orderId'),
  };
}

/** All rows of a table, page after page. @throws while the API does not answer, or not with all of them. */
async function allRows<Row>(url: string, root: string, fields: string): Promise<Row[]> {
  const query = `query ($after: String) { page: ${root}(first: 100, after: $after) {
    nodes { ${fields} } pageInfo { hasNextPage endCursor } freshness { complete } } }`;
  const rows: Row[] = [];
  for (let after: string | null = null; ;) {
    const { data, errors } = await postGraphql(url, { query, variables: { after } });
    const page = data?.['page'] as
      | {
          readonly nodes: readonly Row[];
          readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
          readonly freshness: { readonly complete: boolean };
        }
      | undefined;
    if (page?.freshness.complete !== true) throw new Error(`${root}: ${JSON.stringify(errors ?? 'not complete')}`);
    rows.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return rows;
    after = page.pageInfo.endCursor;
  }
}

/** The shop of examples/ on a real broker, in processes of its own; its records come from the test. */
export class ShopRun {
  readonly #connection: KafkaConnectionConfig;
  readonly #producer: Producer;
  readonly #dir: string;
  readonly #apps: AppProcess[] = [];
  readonly #life: ReturnType<typeof simulate>;
  #newestMs = 0;

  readonly #port: number;

  private constructor(
    connection: KafkaConnectionConfig,
    {
      seed,
      orderEveryMs,
      ...given
    }: { producer: Producer; dir: string; port: number; seed: number; orderEveryMs: number },
  ) {
    this.#connection = connection;
    this.#producer = given.producer;
    this.#dir = given.dir;
    this.#port = given.port;
    // Of the past, so that the orders at the end are of no future.
    this.#life = simulate({ seed, startMs: Date.now() - 24 * 3_600_000, orderEveryMs });
  }

  /** `orderEveryMs`: of the time of its records, between two orders, about. */
  static async open(connection: KafkaConnectionConfig, seed: number, orderEveryMs = 500): Promise<ShopRun> {
    const dir = await mkdtemp(join(tmpdir(), 'tributary-shop-'));
    const producer = await testProducer(connection);
    return new ShopRun(connection, { producer, dir, port: await testPort(), seed, orderEveryMs });
  }

  /** Where its API is, whenever it runs. */
  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  async close(): Promise<void> {
    await killAll(this.#apps);
    await this.#producer.disconnect();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** One more processor. Two that run at the same time have directories of their own, a killed one's is taken over. */
  processor(): Promise<AppProcess> {
    return this.#start('processor.ts', { STATE_DIR: this.#dir });
  }

  /** Its API. One at a time: they have one address. */
  api(): Promise<AppProcess> {
    return this.#start('server.ts', { PORT: String(this.#port) });
  }

  /** The next events of its life. Waits for the topics, which a processor makes. */
  async tell(count: number): Promise<void> {
    await this.#send(Array.from({ length: count }, () => this.#life.next().value.event));
  }

  /** Orders that make all before them count, or be unpaid. Answers their time. */
  async end(): Promise<number> {
    const endMs = this.#newestMs + PAYMENT_DUE_MS;
    const placedAt = new Date(endMs).toISOString();
    const ids = Array.from({ length: ORDERS_EVERYWHERE }, (_, n) => `last-${String(n)}`);
    await this.#send(ids.map((id) => orderPlaced({ orderId: id, customerId: id, lines: [], placedAt })));
    return endMs;
  }

  /** All records of its topics: what an independent recount counts. */
  async events(): Promise<ShopEvent[]> {
    const events: ShopEvent[] = [];
    for (const topic of ['customers', 'orders', 'payments'] as const) {
      const { partitions } = await readTopic(this.#connection, topic);
      for (const { key, value, timestampMs } of partitions.flat())
        events.push({
          topic,
          key: String(key),
          value: value === null ? null : (JSON.parse(String(value)) as unknown),
          timestampMs,
        } as ShopEvent);
    }
    return events;
  }

  /** What its API answers, page by page. */
  async served(): Promise<ShopNumbers> {
    const rows = <Row>(root: string, fields: string): Promise<Row[]> => allRows<Row>(this.url, root, fields);
    return numbersOf({
      customerTotals: await rows('customerTotalsPage', SHOP_FIELDS.customerTotals),
      skuTotals: await rows('skuTotalsPage', SHOP_FIELDS.skuTotals),
      countryHours: await rows('countryHoursPage', SHOP_FIELDS.countryHours),
      unpaidOrders: await rows('unpaidOrdersPage', SHOP_FIELDS.unpaidOrders),
    });
  }

  /** What its stores hold, by their changelogs. */
  async stored(): Promise<ShopNumbers> {
    return {
      customerTotals: await this.#rowsOf<Totals>('customer-totals'),
      skuTotals: await this.#rowsOf<SkuTotals>('sku-totals'),
      countryHours: await this.#rowsOf<Totals>('country-hours', (bytes) => {
        const { key, windowStartMs } = decodeWindowKey(bytes);
        return `${key} ${new Date(windowStartMs).toISOString()}`;
      }),
      unpaidOrders: await this.#rowsOf<UnpaidOrder>('unpaid-orders'),
    };
  }

  async #rowsOf<V>(store: string, nameOf: (key: Buffer) => string = String): Promise<Record<string, V>> {
    const rows = new Map<string, V>();
    const { partitions } = await readTopic(this.#connection, changelogTopic(APPLICATION_ID, store));
    for (const { key, value } of partitions.flat()) {
      if (key === null || isRuntimeRow(key)) continue;
      if (value === null) rows.delete(nameOf(key));
      else rows.set(nameOf(key), JSON.parse(String(value)) as V);
    }
    return Object.fromEntries(rows);
  }

  async #start(main: string, env: Readonly<Record<string, string>>): Promise<AppProcess> {
    const app = await AppProcess.start({
      main: `examples/shop/${main}`,
      env: { KAFKA_BROKERS: this.#connection.brokers.join(','), ...env },
    });
    this.#apps.push(app);
    return app;
  }

  async #send(events: readonly ShopEvent[]): Promise<void> {
    for (const { timestampMs } of events) this.#newestMs = Math.max(this.#newestMs, timestampMs);
    const byTopic = Map.groupBy(events, ({ topic }) => topic);
    await this.#producer.sendBatch({
      topicMessages: [...byTopic].map(([topic, of]) => ({
        topic,
        messages: of.map(({ key, value, timestampMs }) => ({
          key,
          value: value === null ? null : JSON.stringify(value),
          timestamp: String(timestampMs),
        })),
      })),
    });
  }
}
