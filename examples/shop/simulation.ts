import { customerChanged, customerGone, orderPlaced, paymentMade, type ShopEvent } from './events.ts';
import type { Customer, OrderLine } from './model.ts';
import { CUSTOMER_GRACE_MS, HOUR_MS } from './names.ts';
import { SeededRandom } from './random.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** When the shop opens, epoch milliseconds. */
  readonly startMs: number;
  /** Between two orders: about so long, less in the afternoon and more at night. */
  readonly orderEveryMs: number;
}

/** An event, and when it is told. */
export interface ToldEvent {
  readonly event: ShopEvent;
  readonly toldAtMs: number;
}

const CUSTOMERS_AT_START = 40;
const MINUTE_MS = 60_000;
const DAY_HOURS = 24;
/** Some are named more often than others. */
const COUNTRIES = ['DE', 'DE', 'DE', 'DE', 'FR', 'FR', 'FR', 'GB', 'GB', 'ES', 'IT', 'IT', 'NL', 'PL', 'SE'];
const FIRST_NAMES = ['Ada', 'Bo', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gita', 'Hugo', 'Ines', 'Jan', 'Kim', 'Lea'];
const LAST_NAMES = ['Berg', 'Costa', 'Dubois', 'Evans', 'Fischer', 'Garcia', 'Jansen', 'Kowalski', 'Lind', 'Rossi'];
const ARTICLES = Array.from({ length: 25 }, (_, n) => ({ sku: `sku-${String(n + 1)}`, cents: 199 + n * 350 }));

/**
 * The endless life of a shop, in the order in which it is told; the same options give the same life. It has what makes
 * counting hard: events out of order, payments before their orders, in parts, late and never, customers who move, leave
 * or are not known.
 */
export function* simulate({ seed, startMs, orderEveryMs }: SimulationOptions): Generator<ToldEvent, never> {
  const shop = new Shop(seed, startMs);
  for (let n = 0; n < CUSTOMERS_AT_START; n += 1) shop.welcome(startMs);
  for (let nowMs = startMs; ; nowMs += shop.random.between(1, 2 * orderEveryMs * quietness(nowMs))) {
    shop.liveOn(nowMs);
    yield* shop.toldUntil(nowMs);
  }
}

/** From 0.4 in the afternoon to 2 at night, UTC. */
function quietness(nowMs: number): number {
  const hour = (nowMs / HOUR_MS) % DAY_HOURS;
  return 1.2 + 0.8 * Math.cos(((hour - 3) / DAY_HOURS) * 2 * Math.PI);
}

class Shop {
  readonly random: SeededRandom;
  readonly #run: string;
  readonly #customers: Customer[] = [];
  #registered = 0;
  #orders = 0;
  #payments = 0;
  /** What is not told yet, the next one last. */
  readonly #untold: ToldEvent[] = [];

  constructor(seed: number, startMs: number) {
    this.random = new SeededRandom(seed);
    this.#run = startMs.toString(36);
  }

  /** A customer registers. */
  welcome(nowMs: number): void {
    const { random } = this;
    this.#registered += 1;
    const customer = {
      customerId: `customer-${this.#run}-${String(this.#registered)}`,
      name: `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`,
      country: random.pick(COUNTRIES),
      since: new Date(nowMs).toISOString(),
    };
    this.#customers.push(customer);
    this.#tell(customerChanged(customer, nowMs), this.#shortDelayMs());
  }

  /** An order is placed; now and then something happens to a customer. */
  liveOn(nowMs: number): void {
    const { random } = this;
    if (random.chance(0.03)) this.welcome(nowMs);
    const index = random.between(0, this.#customers.length - 1);
    const customer = this.#customers[index] as Customer;
    if (random.chance(0.02)) {
      const moved = { ...customer, country: random.pick(COUNTRIES) };
      this.#customers[index] = moved;
      this.#tell(customerChanged(moved, nowMs), this.#shortDelayMs());
    } else if (random.chance(0.005)) {
      // Its last order is of the same moment.
      this.#customers.splice(index, 1);
      this.#tell(customerGone(customer.customerId, nowMs), this.#shortDelayMs());
    }
    const customerId = random.chance(0.01) ? `guest-${this.#run}-${String(this.#orders + 1)}` : customer.customerId;
    this.#order(customerId, nowMs);
  }

  /** What is told by then, the oldest first. */
  *toldUntil(nowMs: number): Generator<ToldEvent, void> {
    for (let next = this.#untold.at(-1); next !== undefined && next.toldAtMs <= nowMs; next = this.#untold.at(-1)) {
      this.#untold.pop();
      yield next;
    }
  }

  #order(customerId: string, nowMs: number): void {
    this.#orders += 1;
    const orderId = `order-${this.#run}-${String(this.#orders)}`;
    const lines = Array.from({ length: this.random.between(1, 3) }, () => this.#line());
    this.#tell(
      orderPlaced({ orderId, customerId, lines, placedAt: new Date(nowMs).toISOString() }),
      this.random.chance(0.15) ? this.random.between(0, MINUTE_MS) : 0,
    );
    this.#pay(
      orderId,
      lines.reduce((sum, { cents }) => sum + cents, 0),
      nowMs,
    );
  }

  #line(): OrderLine {
    // The square makes the first ones popular.
    const { sku, cents } = ARTICLES[Math.floor(this.random.next() ** 2 * ARTICLES.length)] as (typeof ARTICLES)[number];
    const quantity = this.random.between(1, 4);
    return { sku, quantity, cents: quantity * cents };
  }

  #pay(orderId: string, cents: number, nowMs: number): void {
    const { random } = this;
    const part = Math.floor(cents / 3);
    const chance = random.next();
    if (chance < 0.75) this.#payment(orderId, cents, nowMs + random.between(1_000, 10 * MINUTE_MS));
    else if (chance < 0.85) {
      this.#payment(orderId, part, nowMs + random.between(1_000, 5 * MINUTE_MS));
      this.#payment(orderId, cents - part, nowMs + random.between(1_000, 25 * MINUTE_MS));
    } else if (chance < 0.95) this.#payment(orderId, cents, nowMs + random.between(15 * MINUTE_MS, 40 * MINUTE_MS));
    else if (chance < 0.965) this.#payment(orderId, part, nowMs + random.between(1_000, 20 * MINUTE_MS));
  }

  #payment(orderId: string, cents: number, paidMs: number): void {
    this.#payments += 1;
    const paymentId = `payment-${this.#run}-${String(this.#payments)}`;
    this.#tell(
      paymentMade({ paymentId, orderId, cents, paidAt: new Date(paidMs).toISOString() }),
      this.random.chance(0.1) ? this.random.between(0, MINUTE_MS) : 0,
    );
  }

  /** Less than the grace that orders have for it. */
  #shortDelayMs(): number {
    return this.random.chance(0.5) ? this.random.between(0, CUSTOMER_GRACE_MS / 2) : 0;
  }

  #tell(event: ShopEvent, delayMs: number): void {
    const told = { event, toldAtMs: event.timestampMs + delayMs };
    let [low, high] = [0, this.#untold.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#untold[middle] as ToldEvent).toldAtMs > told.toldAtMs) low = middle + 1;
      else high = middle;
    }
    this.#untold.splice(low, 0, told);
  }
}
