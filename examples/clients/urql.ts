import { cacheExchange, Client, fetchExchange, subscriptionExchange } from '@urql/core';
import type { Client as SocketClient } from 'graphql-ws';
import { PRODUCTS_LIVE } from './documents.ts';
import type { ProductsLiveSubscription, ProductsLiveSubscriptionVariables } from './generated/graphql.ts';
import { subscribeToTable, withUpdate } from './table-subscription.ts';

export type Product = ProductsLiveSubscription['update']['rows'][number];

/** Queries by HTTP, subscriptions by the socket. */
export function urqlClient(url: string, socket: SocketClient): Client {
  return new Client({
    url: `${url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: subscribeToTable(
              socket,
              { query, variables: variables as Record<string, unknown> },
              {
                next: ({ data, errors }) => sink.next({ data, ...(errors && { errors: [...errors] }) }),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}

/** Tells the rows of the table, and again whenever they change. Returns what ends it. */
export function watchProducts(
  client: Client,
  variables: ProductsLiveSubscriptionVariables,
  { onRows, onError }: { onRows(rows: readonly Product[]): void; onError(error: Error): void },
): () => void {
  let rows: ReadonlyMap<string, Product> = new Map();
  const { unsubscribe } = client.subscription(PRODUCTS_LIVE, variables).subscribe(({ data, error }) => {
    if (error) return onError(error);
    if (!data) return;
    rows = withUpdate(rows, data.update);
    onRows([...rows.values()]);
  });
  return unsubscribe;
}
