/*
 * The front ends of examples/clients, over a compacted topic that changes and an API that goes away: what each of them
 * holds is what the topic says.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLiveApi, type ListeningApi } from '@tributary/graphql';
import type { Client } from 'graphql-ws';
import type { Producer } from 'kafkajs';
import { apolloClient, keepProducts } from '../../examples/clients/apollo.ts';
import { PRODUCTS_NOW } from '../../examples/clients/documents.ts';
import { connect } from '../../examples/clients/socket.ts';
import { tables } from '../../examples/clients/tables.ts';
import { productCollection } from '../../examples/clients/tanstack-db.ts';
import { urqlClient, watchProducts } from '../../examples/clients/urql.ts';
import { SILENT_LOGGER } from '../support/api-under-test.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { testPort } from '../support/test-port.ts';
import { testProducer } from '../support/test-producer.ts';
import { until } from '../support/until.ts';

interface Product {
  readonly sku: string;
  readonly name: string;
  readonly cents: number;
  readonly stock: number;
}

/** What is asked for: the three dearest of those that can be bought. */
const ASKED = {
  filter: { stock: { gt: 0 } },
  orderBy: { field: 'CENTS', direction: 'DESC' },
  first: 3,
  intervalMs: 50,
} as const;

let broker: SharedBroker;
let producer: Producer;
let api: ListeningApi;
let port: number;
let socket: Client;
const ends: (() => void)[] = [];
/** What the topic says, counted here. */
const products = new Map<string, Product>();

beforeAll(async () => {
  broker = await sharedBroker();
  await broker.createTopics({ topic: 'products', partitions: 2, configs: { 'cleanup.policy': 'compact' } });
  producer = await testProducer(broker.connection);
  port = await testPort();
  await startApi();
  socket = connect(api.url);
});
afterAll(async () => {
  for (const end of ends) end();
  await socket?.dispose();
  await api?.close();
  await producer?.disconnect();
  await broker?.leave();
});

/** On the same port each time, as one that was started again. */
async function startApi(): Promise<void> {
  const made = createLiveApi({
    applicationId: 'products',
    connection: broker.connection,
    logger: SILENT_LOGGER,
    tables,
  });
  api = await made.listen({ port });
  await until(async () => (await fetch(`${api.url}/ready`)).ok, 'the API is ready');
}

async function put(...changed: readonly Product[]): Promise<void> {
  for (const product of changed) products.set(product.sku, product);
  await producer.send({
    topic: 'products',
    messages: changed.map(({ sku, ...value }) => ({ key: sku, value: JSON.stringify(value) })),
  });
}

async function remove(sku: string): Promise<void> {
  products.delete(sku);
  await producer.send({ topic: 'products', messages: [{ key: sku, value: null }] });
}

/** A row of the topic's, or of a client's, which has more fields. */
function textOf({ sku, name, cents, stock }: Product): string {
  return `${sku} ${name} ${String(cents)} ${String(stock)}`;
}

function dearest(rows: Iterable<Product>): string[] {
  return [...rows].sort((a, b) => b.cents - a.cents).map(textOf);
}

function expected(): string[] {
  return dearest([...products.values()].filter(({ stock }) => stock > 0)).slice(0, 3);
}

/** What each client holds, by its name. */
function clients(): Readonly<Record<string, () => Iterable<Product>>> {
  const fail = (error: unknown): void => void faults.push(error);

  const collection = productCollection(socket, ASKED);
  collection.preload().catch(fail);
  ends.push(() => void collection.cleanup());

  const urql = urqlClient(api.url, socket);
  let watched: readonly Product[] = [];
  ends.push(watchProducts(urql, ASKED, { onRows: (rows) => (watched = rows), onError: fail }));

  const apollo = apolloClient(api.url, socket);
  let shown: readonly Product[] = [];
  ends.push(keepProducts(apollo, ASKED, fail));
  const query = apollo.watchQuery({ query: PRODUCTS_NOW, variables: ASKED, fetchPolicy: 'cache-only' });
  const seen = query.subscribe(({ data, dataState }) => {
    if (dataState === 'complete') shown = data.productsPage.nodes;
  });
  ends.push(() => seen.unsubscribe());

  return { tanstack: () => collection.values(), urql: () => watched, apollo: () => shown };
}

const faults: unknown[] = [];

test('TanStack DB, urql and Apollo hold what the topic says, also after the API was away', async () => {
  await put(
    { sku: 'tea', name: 'Tea', cents: 400, stock: 9 },
    { sku: 'pot', name: 'Pot', cents: 2_500, stock: 2 },
    { sku: 'cup', name: 'Cup', cents: 900, stock: 30 },
    { sku: 'jar', name: 'Jar', cents: 1_200, stock: 0 },
    { sku: 'tin', name: 'Tin', cents: 700, stock: 5 },
  );
  const held = clients();
  const all = async (when: string): Promise<void> => {
    const right = JSON.stringify(expected());
    for (const [name, rows] of Object.entries(held)) {
      await until(
        () => faults.length > 0 || JSON.stringify(dearest(rows())) === right,
        () => `${name}, ${when}: ${right}, and not ${JSON.stringify(dearest(rows()))}`,
      );
    }
    expect(faults).toEqual([]);
  };
  await all('at first');

  await put({ sku: 'jar', name: 'Jar', cents: 1_200, stock: 4 });
  await all('a row came in, and another one left the first three');
  await remove('pot');
  await all('a row was deleted, and the next one came in');
  await put({ sku: 'jar', name: 'Jar', cents: 1_300, stock: 0 }, { sku: 'tin', name: 'Tin', cents: 750, stock: 5 });
  await all('a row left the filter, and another one changed');

  await api.close();
  await remove('cup');
  await put({ sku: 'urn', name: 'Urn', cents: 9_000, stock: 1 });
  await startApi();
  await all('the API was away while rows came and went');
});
