import { type Collection, createCollection } from '@tanstack/db';
import { print } from 'graphql';
import type { Client } from 'graphql-ws';
import { PRODUCTS_LIVE } from './documents.ts';
import type { ProductsLiveSubscription, ProductsLiveSubscriptionVariables } from './generated/graphql.ts';
import { subscribeToTable } from './table-subscription.ts';

export type Product = ProductsLiveSubscription['update']['rows'][number];

/** A collection that holds the rows of the table as they are now: read it by live queries. */
export function productCollection(
  socket: Client,
  variables: ProductsLiveSubscriptionVariables = {},
): Collection<Product, string> {
  return createCollection<Product, string>({
    id: `products ${JSON.stringify(variables)}`,
    getKey: ({ id }) => id,
    sync: {
      rowUpdateMode: 'full',
      sync: ({ begin, write, commit, truncate, markReady, markError }) => {
        const held = new Set<string>();
        return subscribeToTable<Product>(
          socket,
          { query: print(PRODUCTS_LIVE), variables },
          {
            next: ({ data, errors }) => {
              if (!data) return markError(new Error(errors?.[0]?.message));
              const { kind, rows, removed } = data.update;
              begin();
              if (kind === 'SNAPSHOT') {
                truncate();
                held.clear();
              }
              for (const row of rows) {
                write({ type: held.has(row.id) ? 'update' : 'insert', value: row });
                held.add(row.id);
              }
              for (const id of removed) {
                write({ type: 'delete', key: id });
                held.delete(id);
              }
              commit();
              markReady();
            },
            error: markError,
            complete: () => undefined,
          },
        );
      },
    },
  });
}
