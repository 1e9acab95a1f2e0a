import { expect, test } from '@jest/globals';
import type { KafkaStreams, TaskStatus } from '@tributary/streams';
import { processorMetrics } from './metrics.ts';

test('the lag of a task of which nobody knows yet what waits for it is no number', async () => {
  const task = (id: string, more: Partial<TaskStatus>): TaskStatus => ({
    id,
    role: 'ACTIVE',
    state: 'RUNNING',
    inputs: [],
    lag: 0,
    ...more,
  });
  const tasks = [task('0_0', {}), task('0_1', { lag: 5 }), task('0_2', { state: 'RESTORING', lagKnown: false })];
  const streams: Partial<KafkaStreams> = {
    records: () => 0,
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
      recordsPerSecond: 0,
      tasks,
    }),
  };
  const text = await processorMetrics(streams as KafkaStreams).getSingleMetricAsString('tributary_task_lag');
  expect(text.split('\n').filter((line) => line.startsWith('tributary_task_lag'))).toEqual([
    'tributary_task_lag{task="0_0",role="ACTIVE"} 0',
    'tributary_task_lag{task="0_1",role="ACTIVE"} 5',
    'tributary_task_lag{task="0_2",role="ACTIVE"} Nan',
  ]);
});
