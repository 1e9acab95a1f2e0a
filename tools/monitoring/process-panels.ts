import type { Panel } from './dashboard.ts';
import { of, perSecond } from './promql.ts';

/** What prom-client tells of the Node process, of processors and APIs alike. */
export const PROCESS_PANELS: readonly Panel[] = [
  {
    title: 'Memory',
    description: 'Of the whole process, with LevelDB and all stream threads.',
    type: 'timeseries',
    unit: 'bytes',
    queries: [{ expr: of('process_resident_memory_bytes'), legend: '{{instance}}' }],
  },
  {
    title: 'Event loop lag, 99th percentile',
    description: 'Of the main thread: probes, status, HTTP. Stream threads have loops of their own.',
    type: 'timeseries',
    unit: 's',
    queries: [{ expr: of('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
  },
  {
    title: 'CPU',
    description: '100 % is one core.',
    type: 'timeseries',
    unit: 'percentunit',
    queries: [{ expr: perSecond('process_cpu_seconds_total'), legend: '{{instance}}' }],
  },
];
