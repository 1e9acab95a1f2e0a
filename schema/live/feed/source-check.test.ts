import { expect, test } from '@jest/globals';
import { int32Serde, stringSerde } from '@tributary/streams';
import type { TableKey, TableShape } from '../tables/declared-table.ts';
import { checkTables, type SourceCheck } from './source-check.ts';

const RECORD = {
  'sub-topology 0 reads': 'orders',
  'sub-topology 0 repartitions': 'by-sku',
  'sub-topology 1 reads': 'the repartition topic by-sku',
  'sub-topology 2 reads': 'customers',
  'sub-topology 3 reads': 'orders, payments',
  'sub-topology 4 reads': 'customers, the repartition topic by-sku',
  'store sku-totals': 'key-value, in sub-topology 1',
  'serde of store sku-totals': 'json',
  'store by-number': 'key-value, in sub-topology 1',
  'serde of the keys of store by-number': 'int32',
  'store country-hours': 'windows of 3600000 ms every 3600000 ms, in sub-topology 1',
  'store hopping': 'windows of 3600000 ms every 600000 ms, in sub-topology 1',
  'store ever': 'windows of Infinity ms every Infinity ms, in sub-topology 1',
  'store joined': 'windows of 10 ms every 10 ms, with duplicates, in sub-topology 1',
  'store visits': 'session, in sub-topology 1',
  'store prices': 'versioned, in sub-topology 1',
  'store held': 'key-value, in sub-topology 1',
  'serde of store held': 'held rows',
  'store later': 'spirals, in sub-topology 1',
  'store customers': 'key-value, without a changelog, in sub-topology 2',
  'store two': 'key-value, without a changelog, in sub-topology 3',
  'store mixed': 'key-value, without a changelog, in sub-topology 4',
  'store inner': 'key-value, without a changelog, in sub-topology 1',
  'store local-hours': 'windows of 10 ms every 10 ms, without a changelog, in sub-topology 2',
};

const KEY_VALUE: TableShape = { kind: 'key-value' };
const HOURS: TableShape = { kind: 'window', sizeMs: 3_600_000, advanceMs: 3_600_000, retentionMs: 86_400_000 };

function check(store: string, shape: TableShape = KEY_VALUE, serde: object = stringSerde): SourceCheck | undefined {
  const table = {
    name: 'rows',
    shape,
    key: { serde } as unknown as TableKey,
    source: { kind: 'store', store } as const,
  };
  return checkTables([table], 'shop', RECORD).get('rows');
}

test.each([
  ['sku-totals', KEY_VALUE, 'key-value'],
  ['country-hours', HOURS, 'window'],
  ['hopping', { ...HOURS, advanceMs: 600_000 }, 'window'],
  ['visits', { kind: 'session' }, 'session'],
  ['prices', KEY_VALUE, 'versioned'],
] as const)('%s is read from its changelog', (store, shape, layout) => {
  expect(check(store, shape)).toMatchObject({
    source: { topic: `shop-${store}-changelog`, layout, isChangelog: true },
  });
});

test.each([
  ['country-hours', KEY_VALUE, /it has windows of 3600000 ms .*write window: \{ sizeMs: 3600000, retentionMs: how/],
  ['country-hours', { kind: 'session' }, /write window: /],
  ['country-hours', { ...HOURS, sizeMs: 60_000 }, /it has windows of 3600000 ms every 3600000 ms; write window/],
  ['hopping', HOURS, /write window: \{ sizeMs: 3600000, advanceMs: 600000, retentionMs/],
  ['ever', HOURS, /windows without an end/],
  ['joined', HOURS, /several rows of one key and time/],
  ['sku-totals', HOURS, /it is a key-value store, without windows; leave out window$/],
  ['prices', { kind: 'session' }, /it is a versioned store, without windows; leave out session$/],
  ['visits', KEY_VALUE, /it is a session store; write session: \{\} in its place$/],
  ['held', KEY_VALUE, /it holds the rows that suppress\(\) holds back, and no results/],
  ['later', KEY_VALUE, /it is "spirals", which this release does not know/],
  ['two', KEY_VALUE, /keeps no changelog/],
  ['mixed', KEY_VALUE, /keeps no changelog/],
  ['inner', KEY_VALUE, /keeps no changelog/],
] as const)('%s, declared as %j, is refused in one line that names both', (store, shape, problem) => {
  expect(check(store, shape)).toEqual({ problem: expect.stringMatching(problem) });
  const { problem: line = '' } = check(store, shape) as { readonly problem?: string };
  expect(line).toMatch(new RegExp(`^the table rows cannot be read from the store ${store}: [^\\n]*[^.]$`));
});

test('keys that the store writes in another way are refused', () => {
  expect(check('by-number')).toEqual({
    problem: expect.stringMatching(/its keys are int32, and the table reads utf8/),
  });
  expect(check('by-number', KEY_VALUE, int32Serde)).toMatchObject({ source: { layout: 'key-value' } });
  // A serde without a name says nothing.
  expect(check('by-number', KEY_VALUE, {})).toMatchObject({ source: { layout: 'key-value' } });
});

test.each([
  ['prices', /it keeps versions, .*leave out held: 'owner'$/],
  ['customers', /it keeps no changelog, .*give it a changelog$/],
])('owners are not asked for rows of %s', (store, problem) => {
  const key = { serde: stringSerde } as unknown as TableKey;
  const table = { name: 'rows', key, shape: KEY_VALUE, source: { kind: 'store', store }, held: 'owner' } as const;
  expect(checkTables([table], 'shop', RECORD).get('rows')).toEqual({ problem: expect.stringMatching(problem) });
  expect(check(store)).toHaveProperty('source');
});

test('a store without a changelog is read from the one topic of its sub-topology', () => {
  expect(check('customers')).toEqual({
    source: { topic: 'customers', layout: 'key-value', isChangelog: false, subTopology: 2 },
  });
});

test('a store that is not there is waited for, with the name that was probably meant', () => {
  expect(check('sku-total')).toEqual({
    problem: 'waiting for the store sku-total, which the application shop does not have: did you mean "sku-totals"?',
  });
});

test('without a record of the application its stores are waited for, and topics are not', () => {
  const key = { serde: stringSerde } as unknown as TableKey;
  const checked = checkTables(
    [
      { name: 'rows', key, shape: KEY_VALUE, source: { kind: 'store', store: 'sku-totals' } },
      { name: 'prices', key, shape: KEY_VALUE, source: { kind: 'topic', topic: 'prices' } },
    ],
    'shop',
    undefined,
  );
  expect(Object.fromEntries(checked)).toEqual({
    rows: {
      problem:
        'waiting for the application shop: shop-status has no record !application, which a processor writes at its ' +
        'first start',
    },
    prices: { source: { topic: 'prices', layout: 'key-value', isChangelog: false } },
  });
});
