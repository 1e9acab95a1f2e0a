import type { Panel } from './dashboard.ts';
import { of, perSecondBy } from './promql.ts';

const ACTIVE = 'role="ACTIVE"';
const STANDBY = 'role="STANDBY"';

/** What a processor is asked: does it keep up, do its tasks run, does it lose anything. */
export const PROCESSOR_PANELS: readonly Panel[] = [
  {
    title: 'Ready',
    description: '1 when all tasks of the instance run and the broker answers; its /ready says why not.',
    type: 'stat',
    unit: 'short',
    queries: [{ expr: of('tributary_ready'), legend: '{{instance}}' }],
  },
  {
    title: 'Lag, all tasks',
    description: 'Input records that are not committed yet. It may be high for a while; it must not grow for long.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: `sum(${of('tributary_task_lag', ACTIVE)})`, legend: 'lag' }],
  },
  {
    title: 'Records a second',
    description: 'Over the last status interval.',
    type: 'timeseries',
    unit: 'ops',
    queries: [{ expr: of('tributary_records_per_second'), legend: '{{instance}}' }],
  },
  {
    title: 'Lag, by task',
    description: 'One task that stays behind has a hot key or a slow partition. A gap is a lag that nobody knows.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: of('tributary_task_lag', ACTIVE), legend: '{{task}} {{instance}}' }],
  },
  {
    title: 'Tasks, by state',
    description: 'RESTORING after a move; SUSPENDED while a disk or a failed thread is waited for.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: `sum by (state) (${of('tributary_task_state')})`, legend: '{{state}}' }],
  },
  {
    title: 'Tasks, by instance',
    description: 'How the work is shared.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: `count by (instance) (${of('tributary_task_lag', ACTIVE)})`, legend: '{{instance}}' }],
  },
  {
    title: 'Records passed over, by reason',
    description:
      'Since the tasks are where they are: late, null-key and invalid-timestamp are in the data; ' +
      'processing-error and production-error were let pass by a handler of the application.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: `sum by (reason) (${of('tributary_task_dropped')})`, legend: '{{reason}}' }],
  },
  {
    title: 'Lag of standbys',
    description: 'Changelog records that a copy has not got: what a takeover would have to read first.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: of('tributary_task_lag', STANDBY), legend: '{{task}} {{instance}}' }],
  },
  {
    title: 'Reads of committed rows a second',
    description: 'Found in the cache, or read from disk. Many from disk, with keys that come again: see cacheMaxBytes.',
    type: 'timeseries',
    unit: 'ops',
    queries: [{ expr: perSecondBy('found', 'tributary_record_cache_reads_total'), legend: 'in the cache: {{found}}' }],
  },
  {
    title: 'Memory of the cache',
    description: 'Of committed rows, in all stream threads.',
    type: 'timeseries',
    unit: 'bytes',
    queries: [{ expr: of('tributary_record_cache_bytes'), legend: '{{instance}}' }],
  },
  {
    title: 'Rows in the cache',
    description: '',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: of('tributary_record_cache_rows'), legend: '{{instance}}' }],
  },
  {
    title: 'Records since the start',
    description: 'It begins at 0 when the process does.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: of('tributary_records_total'), legend: '{{instance}}' }],
  },
  {
    title: 'Commits a second',
    description: 'Of tasks. None for a minute, with lag: the instance is stuck; its /ready or its log says at what.',
    type: 'timeseries',
    unit: 'ops',
    queries: [{ expr: perSecondBy('instance', 'tributary_commits_total'), legend: '{{instance}}' }],
  },
];
