import { table } from '@tributary/graphql';
import { z } from 'zod';
import { Customer, SkuTotals, Totals, UnpaidOrder } from './model.ts';
import { HOUR_MS, KEPT_MS } from './names.ts';

/** What the API serves: the stores of the topology, and a topic that is a table itself. */
export const tables = {
  countryHours: table({
    store: 'country-hours',
    type: 'CountryHour',
    description: 'What was ordered from a country in an hour.',
    key: { country: z.string().describe('Where the customers lived when they ordered; or "unknown".') },
    value: Totals,
    window: { sizeMs: HOUR_MS, retentionMs: KEPT_MS },
    orderBy: ['cents', 'orders'],
  }),
  skuTotals: table({
    store: 'sku-totals',
    description: 'What was ordered of an article.',
    key: { sku: z.string() },
    value: SkuTotals,
    orderBy: ['cents', 'quantity', 'orders'],
  }),
  customerTotals: table({
    store: 'customer-totals',
    description: 'What a customer has ordered in a lifetime.',
    key: { customerId: z.string() },
    value: Totals,
    orderBy: ['cents', 'orders'],
  }),
  unpaidOrders: table({
    store: 'unpaid-orders',
    type: 'UnpaidOrder',
    description: 'An order that is 15 minutes old and not paid.',
    key: { orderId: z.string() },
    value: UnpaidOrder,
    orderBy: ['placedAt', 'cents'],
    filter: ['customerId'],
  }),
  customers: table({
    topic: 'customers',
    type: 'Customer',
    key: { customerId: z.string() },
    value: Customer,
    orderBy: ['since'],
    filter: ['country'],
  }),
};
