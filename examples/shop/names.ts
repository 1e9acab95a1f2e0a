/** Names and times that topology, API and generator agree on. */

export const APPLICATION_ID = 'shop';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** How long the hours of a country are kept behind the newest order, and how far back it is known who lived where. */
export const KEPT_MS = 7 * DAY_MS;
/** How long an order waits, in time of orders, for what is said late of its customer. */
export const CUSTOMER_GRACE_MS = 10_000;
/** How old an order may become before it counts as unpaid, in time of orders and payments. */
export const PAYMENT_DUE_MS = 15 * 60_000;

/** Of orders whose customer was not known when they were placed. */
export const UNKNOWN_COUNTRY = 'unknown';

export const DEAD_LETTERS = 'shop-dead-letters';

/** Every topic that the shop reads or writes, beside those that the runtime makes for itself. */
export const TOPICS = {
  /** Keyed by order. */
  orders: { partitions: 4 },
  /** Keyed by order, too: an order and its payments meet in one task, so there are as many partitions. */
  payments: { partitions: 4 },
  /** Keyed by customer: the newest row of each, and what was valid in the time that is kept. */
  customers: {
    partitions: 4,
    config: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(KEPT_MS) },
  },
  [DEAD_LETTERS]: { partitions: 1 },
} as const;
