import type { Customer, Order, Payment } from './model.ts';

/** A record of one of the shop's topics. */
export type ShopEvent =
  | (Keyed & { readonly topic: 'orders'; readonly value: Order })
  | (Keyed & { readonly topic: 'payments'; readonly value: Payment })
  /** Null: the customer is gone. */
  | (Keyed & { readonly topic: 'customers'; readonly value: Customer | null });

interface Keyed {
  readonly key: string;
  /** When it happened, which need not be the order in which it is told: epoch milliseconds. */
  readonly timestampMs: number;
}

export function orderPlaced(order: Order): ShopEvent {
  return { topic: 'orders', key: order.orderId, value: order, timestampMs: Date.parse(order.placedAt) };
}

export function paymentMade(payment: Payment): ShopEvent {
  return { topic: 'payments', key: payment.orderId, value: payment, timestampMs: Date.parse(payment.paidAt) };
}

export function customerChanged(customer: Customer, timestampMs: number): ShopEvent {
  return { topic: 'customers', key: customer.customerId, value: customer, timestampMs };
}

export function customerGone(customerId: string, timestampMs: number): ShopEvent {
  return { topic: 'customers', key: customerId, value: null, timestampMs };
}
