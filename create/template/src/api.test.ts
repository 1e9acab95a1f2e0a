import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLiveApi } from '@tributary/graphql';
import { APPLICATION_ID } from './names.ts';
import { connection, logger } from './settings.ts';
import { tables } from './tables.ts';

test('the schema has the tables, and needs no broker', () => {
  const { sdl } = createLiveApi({ applicationId: APPLICATION_ID, connection, logger, tables });
  assert.match(sdl, /type Page implements Node/);
  assert.match(sdl, /pageMinutesPage\(/);
});
