import { expect } from '@jest/globals';
import { type ExecutionResult, graphql } from 'graphql';

import type { Paged, Watched } from './asked.ts';
import type { FedInstance } from './fed-instance.ts';
import { nodeText, pageText, rowsText } from './operations.ts';
import { HOUR_MS, isWindowed, keyField, type RandomTable } from './random-table.ts';
import { BEGIN_MS } from './records.ts';
import { paged, type Positions, recounted, shownRow } from './recount.ts';
import type { Topic } from './topic.ts';

type ShownRow = Readonly<Record<string, unknown>> & { readonly id: string };

interface Page {
  readonly nodes: readonly ShownRow[];
  readonly totalCount: number;
  readonly cursor: string;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly endCursor: string | null;
  };
}

/** Which records the answer with this cursor was made of. */
export function positionsOf(cursor: string): Positions {
  return (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as { readonly p: Positions }).p;
}

export async function ask(
  instance: FedInstance,
  source: string,
  variableValues: Readonly<Record<string, unknown>>,
): Promise<ExecutionResult> {
  const { schema } = instance.api;
  const result = await graphql({ schema, source, variableValues: asJson(variableValues), contextValue: {} });
  return asJson(result) as ExecutionResult;
}

/** As it is between a client and the API. */
export function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value ?? {})) as T;
}

async function dataOf(
  instance: FedInstance,
  source: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { data, errors } = await ask(instance, source, variables);
  expect(errors).toBeUndefined();
  return data as Record<string, unknown>;
}

/** All pages, one after the other; nothing is written meanwhile. */
async function allPages(table: RandomTable, instance: FedInstance, { from, to, ...asked }: Paged): Promise<Page> {
  const at = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  const nodes: ShownRow[] = [];
  for (let after: string | undefined; ;) {
    const variables = { ...asked, from: at(from), to: at(to), after };
    const page = (await dataOf(instance, pageText(table), variables))['thingsPage'] as Page;
    expect(page.pageInfo.hasPreviousPage).toBe(after !== undefined);
    expect(page.nodes.length).toBeLessThanOrEqual(asked.first);
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return { ...page, nodes };
    expect(page.nodes).toHaveLength(asked.first);
    after = page.pageInfo.endCursor ?? '';
  }
}

/** Holds what one instance answers to queries against a recount of the records that it has read. */
export async function checkQueries(
  table: RandomTable,
  topic: Topic,
  instance: FedInstance,
  asked: Paged,
): Promise<void> {
  if (!instance.isCaughtUp) {
    const { errors } = await ask(instance, pageText(table), {});
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['NOT_READY']);
    return;
  }
  const page = await allPages(table, instance, asked);
  const rows = recounted(table, topic, positionsOf(page.cursor), Date.now());
  const wanted = paged(table, rows, asked).map((row) => shownRow(table, row));
  expect(page.nodes).toEqual(wanted);
  expect(page.totalCount).toBe(wanted.length);
  await checkKeys(
    table,
    instance,
    paged(table, rows, {}).map((row) => shownRow(table, row)),
  );
}

/** Each row by its key and by its id, and what is not there. */
async function checkKeys(
  table: RandomTable,
  instance: FedInstance,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const keys = table.key.keys.map(({ shown }) => shown);
  const ofKey = (key: unknown) => rows.filter((row) => row[keyField(table)] === key);
  for (const key of keys) {
    if (isWindowed(table)) {
      const [from, to] = [BEGIN_MS - 24 * HOUR_MS, BEGIN_MS + 24 * HOUR_MS].map((ms) => new Date(ms).toISOString());
      expect((await dataOf(instance, rowsText(table), { key, from, to }))['things']).toEqual(ofKey(key));
    } else {
      const one = (await dataOf(instance, rowsText(table), { key, keys }))['things'];
      expect(one).toEqual(ofKey(key)[0] ?? null);
    }
  }
  if (!isWindowed(table)) {
    const { thingsByKeys } = await dataOf(instance, rowsText(table), { key: keys[0], keys });
    expect(thingsByKeys).toEqual(keys.map((key) => ofKey(key)[0] ?? null));
  }
  for (const row of rows) expect((await dataOf(instance, nodeText(table), { id: row['id'] }))['node']).toEqual(row);
}

/** What a client holds is what the page of the same state has; not to be asked where a page has no such argument. */
export async function checkPageHolds(
  table: RandomTable,
  instance: FedInstance,
  { keys, first, last, ...chosen }: Watched,
  cursor: string,
  held: readonly unknown[],
): Promise<void> {
  if (keys !== undefined || (isWindowed(table) && (last !== undefined || first !== undefined))) return;
  const page = await allPages(table, instance, { ...chosen, first: 100 });
  if (page.cursor !== cursor) return;
  const nodes = first === undefined ? page.nodes : page.nodes.slice(0, first);
  const byId = new Map(nodes.map((row) => [row.id, row]));
  const heldIds = held.map((row) => (row as ShownRow).id);
  // Of windows and sessions a subscription without `last` has only the newest.
  const wanted = isWindowed(table) ? heldIds.filter((id) => byId.has(id)) : [...byId.keys()];
  expect(held).toHaveLength(wanted.length);
  for (const row of held) expect(row).toEqual(byId.get((row as ShownRow).id));
}
