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
import { AppProcess, killAll } from './app-process.ts';
import { testProducer } from './test-producer.ts';
import { readTopic } from './topic-reader.ts';

/** Enough orders to move the time of every partition, by order and by customer. */
const ORDERS_EVERYWHERE = 60;

/** The shop of examples/ on a real broker, in processes of its own; its records come from the test. */
export class ShopRun {
  readonly #connection: KafkaConnectionConfig;
  readonly #producer: Producer;
  readonly #dir: string;
  readonly #apps: AppProcess[] = [];
  readonly #life: ReturnType<typeof simulate>;
  #newestMs = 0;

  private constructor(connection: KafkaConnectionConfig, producer: Producer, dir: string, seed: number) {
    this.#connection = connection;
    this.#producer = producer;
    this.#dir = dir;
    // Of the past, so that the orders at the end are of no future.
    this.#life = simulate({ seed, startMs: Date.now() - 24 * 3_600_000, orderEveryMs: 500 });
  }

  static async open(connection: KafkaConnectionConfig, seed: number): Promise<ShopRun> {
    const dir = await mkdtemp(join(tmpdir(), 'tributary-shop-'));
    return new ShopRun(connection, await testProducer(connection), dir, seed);
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

  /** What its stores hold, by their changelogs. */
  async numbers(): Promise<ShopNumbers> {
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
