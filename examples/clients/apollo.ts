import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { OperationTypeNode, print } from 'graphql';
import type { Client as SocketClient } from 'graphql-ws';
import { Observable } from 'rxjs';
import { PRODUCTS_LIVE, PRODUCTS_NOW } from './documents.ts';
import type { ProductsLiveSubscriptionVariables, ProductsNowQuery } from './generated/graphql.ts';
import { subscribeToTable, withUpdate } from './table-subscription.ts';

export type Product = ProductsNowQuery['productsPage']['nodes'][number];

/** Queries by HTTP, subscriptions by the socket. */
export function apolloClient(url: string, socket: SocketClient): ApolloClient {
  const live = new ApolloLink(
    ({ query, variables }) =>
      new Observable((observer) => subscribeToTable(socket, { query: print(query), variables }, observer)),
  );
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      live,
      new HttpLink({ uri: `${url}/graphql` }),
    ),
    cache: new InMemoryCache(),
  });
}

/**
 * Keeps the answer of PRODUCTS_NOW in the client's cache true: whoever watches this query with these variables
 * (`fetchPolicy: 'cache-only'`) sees the rows, and again whenever they change. The answer is written from the
 * subscription alone: a query by HTTP may be answered by an instance that is behind. Returns what ends it.
 */
export function keepProducts(
  client: ApolloClient,
  variables: ProductsLiveSubscriptionVariables,
  onError: (error: unknown) => void,
): () => void {
  let rows: ReadonlyMap<string, Product> = new Map();
  const subscription = client.subscribe({ query: PRODUCTS_LIVE, variables }).subscribe(({ data, error }) => {
    if (error) return onError(error);
    if (!data) return;
    rows = withUpdate(rows, data.update);
    const productsPage = { __typename: 'ProductConnection' as const, nodes: [...rows.values()] };
    client.writeQuery({ query: PRODUCTS_NOW, variables, data: { productsPage } });
  });
  return () => subscription.unsubscribe();
}
