import { createLiveApi } from '@tributary/graphql';
import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';
import { chartTables } from './tables.ts';

const { input, output, seconds, port } = flags({
  input: 'user-login',
  output: 'live-logins-by-version',
  seconds: '10',
  port: '4400',
});
const windowMs = Number(seconds) * 1_000;
const connection = connectionFor('live-chart');

const streams = new KafkaStreams({
  topologyModule: new URL('../2-windowed-chart/topology.ts', import.meta.url),
  topologyOptions: { input, output, windowMs },
  connection,
  config: { applicationId: 'live-chart', stateDir: '.data/examples' },
  creatableTopics: {
    [output]: { partitions: 1, config: { 'cleanup.policy': 'compact' } },
    [`${output}-dlq`]: { partitions: 1 },
  },
  logger: quietLogger,
});

// It reads the store's changelog: it could as well be another process, on another machine, or several of them.
const api = createLiveApi({
  applicationId: 'live-chart',
  connection,
  logger: quietLogger,
  tables: chartTables(windowMs),
});
const { url, close } = await api.listen({ port: Number(port) });

console.log(`logins of ${input} by version, every ${seconds} seconds of event time: ${url}`);
await runUntilStopped(streams, close);
