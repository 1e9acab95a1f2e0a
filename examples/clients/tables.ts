import { table } from '@tributary/graphql';
import { z } from 'zod';

/** What is served: a compacted topic, which is a table itself. */
export const tables = {
  products: table({
    topic: 'products',
    type: 'Product',
    description: 'An article that can be bought.',
    key: { sku: z.string() },
    value: z.object({ name: z.string(), cents: z.int().min(0), stock: z.int().min(0) }),
    orderBy: ['cents'],
    filter: ['stock'],
  }),
};
