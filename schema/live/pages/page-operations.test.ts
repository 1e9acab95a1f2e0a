/** The operations that the page writes, held against what an API of these tables takes. */
import { expect, test } from '@jest/globals';
import { buildSchema, coerceInputValue, parse, typeFromAST, validate, type GraphQLInputType, Kind } from 'graphql';
import { z } from 'zod';

import type { PageTable } from '../../../client/page/api/model.ts';
import {
  COPIES_LIVE,
  COPIES_NOW,
  PROCESSOR_LIVE,
  PROCESSOR_NOW,
  rowsPage,
  rowsSubscription,
} from '../../../client/page/api/operations.ts';
import { filterableFields, operatorsOf } from '../../../client/page/state/conditions.ts';
import { rowsLiveQuestion, rowsQuestion } from '../../../client/page/state/questions.ts';
import { DEFAULTS } from '../../../client/page/state/url-state.ts';
import { tablesSdl } from '../graphql/table-sdl.ts';
import { operationCost } from '../limits/operation-cost.ts';
import { REQUEST_LIMITS, shapeLimitError, tokenLimitError } from '../limits/request-limits.ts';
import { tableCosts } from '../limits/table-costs.ts';
import { declareTables } from '../tables/declare-tables.ts';
import { table } from '../tables/table.ts';
import type { TablesModel } from '../tables/table-reads.ts';
import { pageModel } from './page-model.ts';

const Paid = z.discriminatedUnion('by', [
  z.object({ by: z.literal('card'), last4: z.string(), at: z.iso.datetime() }),
  z.object({ by: z.literal('cash'), at: z.iso.date().nullable() }),
]);
const Deep = z.object({
  a: z.object({ b: z.object({ c: z.object({ d: z.object({ e: z.object({ f: z.int() }) }) }) }) }),
});
const Everything = z.object({
  text: z.string(),
  small: z.int32(),
  count: z.int().min(0),
  whole: z.int(),
  ratio: z.number(),
  big: z.bigint(),
  open: z.boolean(),
  colour: z.enum(['RED', 'BLUE']),
  at: z.iso.datetime().nullable(),
  on: z.iso.date().optional(),
  free: z.unknown(),
  tags: z.array(z.string()),
  lines: z.array(z.object({ sku: z.string(), paid: Paid.optional() })),
  paid: Paid.nullable(),
  deep: Deep,
});
const PLAIN = ['text', 'small', 'count', 'whole', 'ratio', 'big', 'open', 'colour', 'at', 'on'] as const;
const wide = z.object(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${String(index)}`, z.int()])));
const HOUR_MS = 3_600_000;

const problems: string[] = [];
const declared = declareTables(
  {
    everything: table({ store: 'a', key: { name: z.string() }, value: Everything, orderBy: [...PLAIN] }),
    hours: table({
      store: 'b',
      key: { country: z.string() },
      value: z.object({ cents: z.int() }),
      window: { sizeMs: HOUR_MS, retentionMs: 48 * HOUR_MS },
      filter: ['cents'],
    }),
    visits: table({ store: 'c', key: { id: z.int32() }, value: z.object({ pages: z.int() }), session: {} }),
    wide: table({ store: 'd', key: { name: z.string() }, value: wide }),
  },
  problems,
);
const schema = buildSchema(tablesSdl(declared));
const { tables } = pageModel('shop', declared);
const named = tables.map((one) => [one.name, one] as const);
/** As large as tables are by default, at most: then a walk over one costs most. */
const model = {
  tables: Object.fromEntries(declared.map(({ name }) => [name, { size: 200_000 }])),
  listInstances: () => [],
} as unknown as TablesModel;
const costs = tableCosts(schema, model, declared, new Set());

test('all tables are declared without a problem, and told of', () => {
  expect([problems, tables.map(({ name }) => name)]).toEqual([[], ['everything', 'hours', 'visits', 'wide']]);
});

/** What an API says of an operation with these variables before it executes it. */
function objections(text: string, variables: Readonly<Record<string, unknown>>): string[] {
  const document = parse(text);
  const said = validate(schema, document).map(({ message }) => message);
  for (const limit of [tokenLimitError(text), shapeLimitError(document)]) if (limit) said.push(limit.message);
  const [operation] = document.definitions;
  const taken = operation?.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : [];
  for (const [name, value] of Object.entries(variables)) {
    const definition = taken.find((one) => one.variable.name.value === name);
    if (definition === undefined) said.push(`no variable ${name}`);
    else
      coerceInputValue(value, typeFromAST(schema, definition.type as never) as GraphQLInputType, (path, _, error) => {
        said.push(`${name}.${path.join('.')}: ${error.message}`);
      });
  }
  const cost = operationCost({ schema, document, operationName: undefined, variableValues: variables }, costs);
  if (cost > REQUEST_LIMITS.values) said.push(`it costs ${String(cost)}`);
  return said;
}

const VALUES: Readonly<Record<string, string>> = {
  Boolean: 'true',
  DateTime: '2026-01-31T12:00Z',
  Date: '2026-01-31',
  Colour: 'RED',
};
const valueFor = (type: PageTable['key']['type']): string =>
  type.kind === 'enum' ? 'RED' : (VALUES[type.name] ?? '7');

test.each(named)('%s: rows, in each order', (_, one) => {
  for (const field of [null, ...one.orderFields]) {
    const chosen = {
      ...DEFAULTS,
      rowsOfPage: 100,
      prefix: one.key.isText ? 'a' : '',
      order: field === null ? null : { field, descending: true },
    };
    const page = rowsQuestion(one, chosen, 'after').variables;
    expect(objections(rowsSubscription(one), rowsLiveQuestion(one, chosen).variables)).toEqual([]);
    expect(objections(rowsPage(one, true), page)).toEqual([]);
    expect(objections(rowsPage(one, false), page)).toEqual([]);
  }
});

test.each(named)('%s: every condition that it offers', (_, one) => {
  for (const field of filterableFields(one)) {
    for (const operator of operatorsOf(field)) {
      const text = valueFor(field.type);
      const conditions = [{ field: field.name, operator, text }];
      const { variables } = rowsLiveQuestion(one, { ...DEFAULTS, conditions });
      expect([field.name, operator, variables['filter'] !== undefined]).toEqual([field.name, operator, true]);
      expect([field.name, operator, objections(rowsSubscription(one), variables)]).toEqual([field.name, operator, []]);
    }
  }
});

test('what it asks of the processor and of the copies', () => {
  for (const text of [PROCESSOR_LIVE, PROCESSOR_NOW, COPIES_LIVE, COPIES_NOW]) expect(objections(text, {})).toEqual([]);
});
