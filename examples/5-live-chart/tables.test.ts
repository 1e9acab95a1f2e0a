import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createLiveApi } from '@tributary/graphql';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { parse, validate } from 'graphql';
import { buildTopology } from '../2-windowed-chart/topology.ts';
import { connectionFor, quietLogger } from '../support/example.ts';
import { BarCounts, chartTables } from './tables.ts';

const WINDOW_MS = 10_000;

test('the rows of the store are rows of the table', async () => {
  const driver = new TopologyTestDriver(buildTopology({ input: 'logins', output: 'rows', windowMs: WINDOW_MS }));
  const login = JSON.stringify({ app_version: '2.3.0', device_type: 'android' });
  await driver.pipe('logins', { value: login, timestampMs: 9_999 }, { value: login, timestampMs: 10_000 });
  const rows = driver.rows('logins-by-version');
  expect(rows).toEqual([
    { key: '2.3.0', startMs: 0, endMs: 10_000, value: { logins: 1, androids: 1 } },
    { key: '2.3.0', startMs: 10_000, endMs: 20_000, value: { logins: 1, androids: 1 } },
  ]);
  for (const { value } of rows) expect(BarCounts.parse(value)).toEqual(value);
});

test('the operations of examples/README.md are operations of the API', () => {
  const api = createLiveApi({
    applicationId: 'live-chart',
    connection: connectionFor('test'),
    logger: quietLogger,
    tables: chartTables(WINDOW_MS),
  });
  expect(api.sdl).toMatch(/^type Bar /m);
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const operations = [...readme.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  expect(operations.length).toBeGreaterThan(0);
  for (const operation of operations) expect(validate(api.schema, parse(operation))).toEqual([]);
});
