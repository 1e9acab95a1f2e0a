import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, validate } from 'graphql';
import { shopApi } from './api.ts';
import { logger } from './settings.ts';

/** Made, not started: its schema needs no Kafka. */
const api = shopApi({ connection: { brokers: ['127.0.0.1:9'], clientId: 'test' }, logger });

test('every operation of README.md is one that the API takes', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const operations = [...readme.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  assert.ok(operations.length > 0);
  for (const operation of operations) assert.deepEqual(validate(api.schema, parse(operation)), []);
});

test('the schema as text names the tables and what is beside them', () => {
  for (const name of ['CountryHour', 'SkuTotals', 'CustomerTotals', 'UnpaidOrder', 'Customer'])
    assert.match(api.sdl, new RegExp(`^type ${name} `, 'm'));
  assert.match(api.sdl, /customer: Customer$/m);
});
