import { expect, test } from '@jest/globals';
import { Registry, type Metric } from 'prom-client';
import { streamsMetrics, type MetricSource } from './streams-metrics.ts';
import type { TaskStatus } from './task/instance-status.ts';

const task = (id: string, more: Partial<TaskStatus>): TaskStatus => ({
  id,
  role: 'ACTIVE',
  state: 'RUNNING',
  inputs: [],
  lag: 0,
  ...more,
});
let tasks: TaskStatus[] = [];
const source: MetricSource = {
  records: () => 7,
  commits: () => 4,
  recordCache: () => ({ hits: 9, misses: 4, rows: 3, bytes: 612 }),
  notReadyReason: () => null,
  status: () => ({
    id: 'p',
    applicationId: 'a',
    guarantee: 'exactly_once',
    topology: '',
    host: 'h',
    startedAtMs: 0,
    reportedAtMs: 0,
    threads: 1,
    recordsPerSecond: 1.5,
    tasks,
  }),
};

test('prom-client reads the metrics as they are at that moment', async () => {
  const register = new Registry();
  for (const metric of streamsMetrics(source)) register.registerMetric(metric as unknown as Metric);
  tasks = [
    task('0_0', { dropped: { late: 2 } }),
    task('0_1', { lag: 5, role: 'STANDBY' }),
    // Nobody knows yet what waits for it: no 0 that an alarm would believe.
    task('0_2', { state: 'RESTORING', lagKnown: false }),
  ];
  expect((await register.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('# HELP'))).toEqual([
    '# TYPE tributary_records_total gauge',
    'tributary_records_total 7',
    '# TYPE tributary_records_per_second gauge',
    'tributary_records_per_second 1.5',
    '# TYPE tributary_commits_total gauge',
    'tributary_commits_total 4',
    '# TYPE tributary_task_lag gauge',
    'tributary_task_lag{task="0_0",role="ACTIVE"} 0',
    'tributary_task_lag{task="0_1",role="STANDBY"} 5',
    'tributary_task_lag{task="0_2",role="ACTIVE"} Nan',
    '# TYPE tributary_task_state gauge',
    'tributary_task_state{task="0_0",state="RUNNING"} 1',
    'tributary_task_state{task="0_1",state="RUNNING"} 1',
    'tributary_task_state{task="0_2",state="RESTORING"} 1',
    '# TYPE tributary_task_dropped gauge',
    'tributary_task_dropped{task="0_0",reason="late"} 2',
    '# TYPE tributary_record_cache_reads_total gauge',
    'tributary_record_cache_reads_total{found="true"} 9',
    'tributary_record_cache_reads_total{found="false"} 4',
    '# TYPE tributary_record_cache_bytes gauge',
    'tributary_record_cache_bytes 612',
    '# TYPE tributary_record_cache_rows gauge',
    'tributary_record_cache_rows 3',
    '# TYPE tributary_ready gauge',
    'tributary_ready 1',
  ]);
  register.resetMetrics();
  expect(await register.getMetricsAsJSON()).toHaveLength(10);
});

test('and without it they are plain data', () => {
  tasks = [task('0_1', { lag: 5 })];
  const found = streamsMetrics(source).find(({ name }) => name === 'tributary_task_lag');
  expect(found).toMatchObject({ type: 'gauge', values: [{ labels: { task: '0_1', role: 'ACTIVE' }, value: 5 }] });
});
