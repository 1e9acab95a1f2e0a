import { createGlobalTable, KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';
import { drawChart } from './chart.ts';
import type { ChartRow } from './topology.ts';

const WINDOWS_SHOWN = 5;
const REDRAW_MS = 1_000;
const COMPACTED = { 'cleanup.policy': 'compact' };

const { input, output, seconds } = flags({ input: 'user-login', output: 'logins-by-version', seconds: '10' });
const connection = connectionFor('windowed-chart');

const streams = new KafkaStreams({
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: { input, output, windowMs: Number(seconds) * 1_000 },
  connection,
  config: { applicationId: 'windowed-chart', stateDir: '.data/examples' },
  // The input is somebody else's: when it is missing, start() says so.
  creatableTopics: { [output]: { partitions: 1, config: COMPACTED }, [`${output}-dlq`]: { partitions: 1 } },
  logger: quietLogger,
});

const rows = new Map<string, ChartRow>();
const results = createGlobalTable(
  connection,
  {
    topics: [output],
    onChanges: (changes) => {
      for (const { key, value } of changes)
        if (value !== null) rows.set(key.toString('utf8'), JSON.parse(value.toString('utf8')) as ChartRow);
    },
    onReset: () => rows.clear(),
    onState: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  },
  quietLogger,
);

let drawn = '';
const timer = setInterval(() => {
  const chart = drawChart(rows.values(), WINDOWS_SHOWN);
  if (chart !== drawn) console.log(`\n${chart}`);
  drawn = chart;
}, REDRAW_MS);

results.start();
await runUntilStopped(streams, async () => {
  clearInterval(timer);
  await results.close();
});
