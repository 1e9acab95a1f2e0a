import { expect, test } from '@jest/globals';
import { StreamsError } from '@tributary/streams';
import { z } from 'zod';

import { createLiveApi, type LiveApi } from '../../live-api.ts';
import { table } from '../../tables/table.ts';

const bare: unknown = Object.create(null);
const ODD: Readonly<Record<string, unknown>> = {
  null: null,
  NaN,
  'no text': '',
  'a text': 'x',
  'a number': -1.5,
  'a bigint': 1n,
  'a symbol': Symbol('x'),
  true: true,
  'a list': [],
  'a list of null': [null],
  'a list of objects': [bare],
  'a list of symbols': [Symbol('x')],
  'an object': {},
  'a bare object': bare,
  'an object with a field': { aField: 1 },
  'a function': () => 1,
  'a date': new Date(0),
  'a map': new Map(),
};

/** Which of the odd values can be used. */
type Usable = Readonly<Record<string, readonly string[]>>;

const base = { store: 's', key: { k: z.string() }, value: z.object({ n: z.int() }) };
const texts = ['a text'];
const objects = ['an object', 'a bare object'];

function make(options: object, tableOptions: object = base): LiveApi {
  const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
  const tables = { odd: table(tableOptions as typeof base) };
  return createLiveApi({ applicationId: 'a', connection, tables, ...options });
}

/** What is said of each odd value that cannot be used; that it can be is said by `fine`. */
function saidOf(makeWith: (value: unknown) => LiveApi): Readonly<Record<string, string>> {
  const said = Object.entries(ODD).map(([what, value]) => {
    try {
      makeWith(value);
      return [what, 'fine'];
    } catch (error) {
      if (!(error instanceof StreamsError)) return [what, `no error of ours: ${String(error)}`];
      return [what, `${error.code} ${error.message}`];
    }
  });
  return Object.fromEntries(said) as Readonly<Record<string, string>>;
}

function expectNamed(said: Readonly<Record<string, string>>, fine: readonly string[], words: RegExp): void {
  for (const [what, text] of Object.entries(said))
    expect(`${what}: ${text}`).toMatch(
      fine.includes(what) ? /: fine$/ : new RegExp(`: CONFIG_INVALID createLiveApi: (.|\\n)*${words.source}`),
    );
}

const TABLE: Usable = {
  store: texts,
  topic: texts,
  key: [],
  value: [],
  serde: [],
  window: [],
  session: objects,
  orderBy: ['a list'],
  filter: ['a list'],
  held: [],
  maxRows: [],
  type: texts,
  description: ['no text', ...texts],
  served: ['true'],
};
test.each(Object.entries(TABLE))('an odd %s of a table is an error that names both', (option, fine) => {
  const given = option === 'topic' ? { ...base, store: undefined } : base;
  expectNamed(
    saidOf((value) => make({}, { ...given, [option]: value })),
    fine,
    new RegExp(`table "odd"(: .*${option}|.*option.*${option})`),
  );
});

test.each(['sizeMs', 'retentionMs', 'advanceMs'])('an odd %s of a window is an error that names it', (option) => {
  const window = { sizeMs: 10, retentionMs: 10 };
  const said = saidOf((value) => make({}, { ...base, window: { ...window, [option]: value } }));
  expectNamed(said, [], new RegExp(`table "odd": window.${option} `));
});

test.each(['type', 'serde'])('an odd %s of a key is an error that names it', (option) => {
  const said = saidOf((value) => make({}, { ...base, key: { k: { type: z.string(), [option]: value } } }));
  expectNamed(said, [], /table "odd": key\.k /);
});

const API: Usable = {
  applicationId: texts,
  connection: [],
  tables: objects,
  viewer: ['a function'],
  allow: objects,
  extend: objects,
  logger: [],
  allowedOrigins: ['a list'],
  allowedHosts: ['a list'],
  graphiql: ['true'],
  token: texts,
  limits: objects,
  page: [],
  owner: [],
  tracing: ['null'],
  settings: [],
};
test.each(Object.entries(API))('an odd %s of the API is an error that names it', (option, fine) => {
  const words = { connection: 'brokers|connection|option|clientId', tables: 'table' }[option] ?? option;
  expectNamed(
    saidOf((value) => make({ [option]: value })),
    fine,
    new RegExp(words),
  );
});

const EXTEND: Usable = {
  typeDefs: ['no text', 'a list'],
  resolvers: [...objects, 'a function'],
  costs: ['a function'],
  restResults: objects,
  graphiqlExamples: ['a list'],
};
test.each(Object.entries(EXTEND))('odd %s of extend are an error that names them', (part, fine) => {
  expectNamed(
    saidOf((value) => make({ extend: { [part]: value } })),
    fine,
    new RegExp(`extend.${part}`),
  );
});

test('what nobody knows is an error wherever it stands', () => {
  for (const [options, words] of [
    [{ extend: { resolver: {} } }, 'extend has no option "resolver": did you mean "resolvers"?'],
    [{ page: { folder: 'x', notBuild: '' } }, 'page has no option "notBuild": did you mean "notBuilt"?'],
    [{ settings: { allowedHost: 'x' } }, 'settings has no option "allowedHost": did you mean "allowedHosts"?'],
    [{ limits: { maxConnection: 1 } }, 'limits has no maxConnection: did you mean "maxConnections"?'],
    [{ graphql: true }, 'there is no option graphql: did you mean "graphiql"?'],
  ] as const)
    expect(() => make(options)).toThrow(words);
});

test('all that is wrong comes at once', () => {
  const wrong = { extend: 5, settings: null, tracing: 'x', page: { folder: 1 }, allow: new Map(), limits: { x: 1 } };
  expect(() => make(wrong, { ...base, window: null, orderBy: [bare] })).toThrow(
    /^createLiveApi: (8|9|10) options cannot be used:\n(- .*\n?)+$/,
  );
});
