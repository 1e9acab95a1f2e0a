import { TopologyTestDriver } from '@tributary/streams/testing';
import type { ShopEvent } from './events.ts';
import type { SkuTotals, Totals, UnpaidOrder } from './model.ts';
import { TOPICS } from './names.ts';
import type { ShopNumbers } from './recount.ts';
import { buildTopology } from './topology.ts';

/** The shop's topology without a broker. */
export class DrivenShop {
  readonly driver: TopologyTestDriver;

  /** `partitions`: of each topic, as many as the real ones have unless it is said. */
  constructor(partitions: number = TOPICS.orders.partitions) {
    this.driver = new TopologyTestDriver(buildTopology(), {
      partitions: { orders: partitions, payments: partitions, customers: partitions },
    });
  }

  /** Pipes events in this order; what follows on each other in one topic is committed together. */
  async pipe(...events: readonly ShopEvent[]): Promise<void> {
    for (let from = 0; from < events.length;) {
      const topic = (events[from] as ShopEvent).topic;
      let to = from;
      while (events[to]?.topic === topic) to += 1;
      await this.driver.pipe(topic, ...events.slice(from, to).map(recordOf));
      from = to;
    }
  }

  /** What its tables hold. */
  numbers(): ShopNumbers {
    const byKey = <V>(store: string): Record<string, V> =>
      Object.fromEntries(this.driver.rows<V>(store).map(({ key, value }) => [key, value]));
    return {
      customerTotals: byKey<Totals>('customer-totals'),
      skuTotals: byKey<SkuTotals>('sku-totals'),
      countryHours: Object.fromEntries(
        this.driver
          .rows<Totals>('country-hours')
          .map(({ key, startMs = 0, value }) => [`${key} ${new Date(startMs).toISOString()}`, value]),
      ),
      unpaidOrders: byKey<UnpaidOrder>('unpaid-orders'),
    };
  }
}

function recordOf({ key, value, timestampMs }: ShopEvent): { key: string; value: string | null; timestampMs: number } {
  return { key, value: value === null ? null : JSON.stringify(value), timestampMs };
}
