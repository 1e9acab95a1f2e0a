import { zodSerde, type Aggregate } from '@tributary/streams';
import { z } from 'zod';
import { centsOf, UnpaidOrder, type Order, type Payment } from './model.ts';

/** An order that is not paid, or a payment that has come before its order. */
export const OpenOrder = z.object({
  order: UnpaidOrder.omit({ paidCents: true }).nullable(),
  paidCents: UnpaidOrder.shape.paidCents,
});
export type OpenOrder = z.infer<typeof OpenOrder>;

const serde = zodSerde(OpenOrder);
const empty = (): OpenOrder => ({ order: null, paidCents: 0 });

/** An order that is paid has no row: the table holds what is open and nothing else. */
function unlessPaid(open: OpenOrder): OpenOrder | null {
  return open.order !== null && open.paidCents >= open.order.cents ? null : open;
}

/** What an order does to its row. */
export const byOrders: Aggregate<Order, OpenOrder> = {
  empty,
  add: ({ paidCents }, order) => {
    const { customerId, placedAt } = order;
    return unlessPaid({ order: { customerId, placedAt, cents: centsOf(order) }, paidCents });
  },
  serde,
};

/** What a payment does to it. */
export const byPayments: Aggregate<Payment, OpenOrder> = {
  empty,
  add: ({ order, paidCents }, { cents }) => unlessPaid({ order, paidCents: paidCents + cents }),
  serde,
};
