import { z } from 'zod';

/*
 * What is in the shop's topics and tables. Topology and API are made of the same schemas: what one of them writes, the
 * other one can read.
 */

const cents = z.int().min(0);

/* Topics. */

export const Customer = z.object({
  customerId: z.string(),
  name: z.string().describe('As the customer wrote it.'),
  country: z.string().describe('Where the customer lives now.'),
  since: z.iso.datetime().describe('When the customer registered.'),
});

export const OrderLine = z.object({
  sku: z.string(),
  quantity: z.int().min(1),
  cents: cents.describe('What all pieces of the line cost.'),
});

export const Order = z.object({
  orderId: z.string(),
  customerId: z.string(),
  lines: z.array(OrderLine),
  placedAt: z.iso.datetime(),
});

export const Payment = z.object({
  paymentId: z.string(),
  orderId: z.string(),
  cents: cents.describe('An order may be paid in parts.'),
  paidAt: z.iso.datetime(),
});

/* Tables. */

export const Totals = z.object({
  orders: z.int().min(0).describe('How many orders.'),
  cents: cents.describe('What they cost in all.'),
});

export const SkuTotals = Totals.extend({
  quantity: z.int().min(0).describe('How many pieces.'),
});

export const UnpaidOrder = z.object({
  customerId: z.string().describe('Who ordered.'),
  placedAt: z.iso.datetime().describe('When it was ordered.'),
  cents: cents.describe('What it costs.'),
  paidCents: cents.describe('What has been paid so far.'),
});

export type Customer = z.infer<typeof Customer>;
export type OrderLine = z.infer<typeof OrderLine>;
export type Order = z.infer<typeof Order>;
export type Payment = z.infer<typeof Payment>;
export type Totals = z.infer<typeof Totals>;
export type SkuTotals = z.infer<typeof SkuTotals>;
export type UnpaidOrder = z.infer<typeof UnpaidOrder>;

/** What an order costs. */
export function centsOf({ lines }: Pick<Order, 'lines'>): number {
  return lines.reduce((sum, line) => sum + line.cents, 0);
}
