import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';

import { type HandFedModel, handFedModel, SILENT_LOGGER } from '../../tests/support/hand-fed-results.ts';
import { type ApiServer, startApiServer } from './api-server.ts';

let fed: HandFedModel;
let server: ApiServer;

beforeAll(async () => {
  fed = handFedModel();
  server = await startApiServer({
    model: fed.model,
    application: { guarantee: 'exactly_once', topology: 'Topologies:\n' },
    logger: SILENT_LOGGER,
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: ['https://friend.example'],
    graphiql: true,
    apiToken: undefined,
    dashboardFolder: '/nonexistent',
  });
  fed.feed(fed.results.state('CA', { ios: 3, android: 1, lastLoginAtMs: 1_700_000_000_000 }));
});
afterAll(() => server.stop());

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({ url: () => `${server.url}/graphql` });
  expect(audits).toHaveLength(61);
  for (const audit of audits) {
    test(`audit ${audit.id}: ${audit.name}`, async () => {
      const result = await audit.fn();
      expect(result).toMatchObject({ status: 'ok' });
    });
  }
});
