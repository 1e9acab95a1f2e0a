import { expect, test } from '@jest/globals';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type ServedMetrics, unanswered } from '../../../../tests/support/monitored-expressions.ts';
import { streamsMetrics } from '../../streams-metrics.ts';
import type { DropReason } from '../../task/dropped-records.ts';
import type { TaskStateName, TaskStatus } from '../../task/instance-status.ts';

/* Written as records, so that a state, role or reason that is added must be added here. */
const STATES: Readonly<Record<TaskStateName, true>> = {
  CREATED: true,
  RESTORING: true,
  RUNNING: true,
  SUSPENDED: true,
  CLOSED: true,
};
const ROLES: Readonly<Record<TaskStatus['role'], true>> = { ACTIVE: true, STANDBY: true };
const DROPPED: Readonly<Record<DropReason, number>> = {
  'null-key': 1,
  'null-value': 1,
  'invalid-timestamp': 1,
  late: 1,
  'processing-error': 1,
  'production-error': 1,
};

/** What an instance serves whose tasks are in every state, and have dropped for every reason. */
function served(): ServedMetrics {
  const tasks = (Object.keys(STATES) as TaskStateName[]).flatMap((state) =>
    (Object.keys(ROLES) as TaskStatus['role'][]).map((role): TaskStatus => ({
      id: '0_0',
      role,
      state,
      inputs: [],
      lag: 0,
      dropped: DROPPED,
    })),
  );
  const status = {
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
  } as const;
  const metrics = streamsMetrics({
    records: () => 0,
    commits: () => 0,
    recordCache: () => ({ hits: 0, misses: 0, bytes: 0, rows: 0 }),
    notReadyReason: () => null,
    status: () => status,
  });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    labels: new Map([
      ...metrics.map(
        ({ name, values }) => [name, new Set(values.flatMap((value) => Object.keys(value.labels)))] as const,
      ),
      ...registry.getMetricsAsArray().map(({ name }) => [name, new Set<string>()] as const),
    ]),
    values: { role: Object.keys(ROLES), state: Object.keys(STATES), reason: Object.keys(DROPPED) },
  };
}

test('dashboards and alerts ask a processor for metrics, labels and values that it has, and for all of them', () => {
  expect(unanswered(served(), (metric) => !metric.startsWith('tributary_api_'))).toEqual([]);
});

test('what is not there is noticed', () => {
  const { labels, values } = served();
  const fewer = new Map(labels);
  fewer.delete('tributary_ready');
  fewer.set('tributary_task_dropped', new Set(['task']));
  fewer.set('tributary_of_late', new Set());
  const problems = unanswered(
    { labels: fewer, values: { ...values, state: ['RUNNING'] } },
    (metric) =>
      metric.startsWith('tributary_task_dropped') ||
      metric.startsWith('tributary_task_state') ||
      metric === 'tributary_ready',
  );
  for (const part of [
    'no metric tributary_ready',
    'no label reason of',
    'no state "SUSPENDED"',
    'for tributary_of_late',
  ])
    expect(problems).toContainEqual(expect.stringContaining(part));
});
