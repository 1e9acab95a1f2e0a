import type { RecordCacheCounts } from './store/record-cache.ts';
import type { InstanceStatus } from './task/instance-status.ts';

/** One number of a metric. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge';
  readonly aggregator: 'sum';
  readonly values: readonly MetricValue[];
}

/**
 * A metric as plain data, and as prom-client reads one: `registry.registerMetric(metric as unknown as Metric)` makes it
 * a part of a registry, whose types know its own classes only. Every read is of that moment.
 */
export interface StreamsMetric extends MetricSnapshot {
  /** The same, for prom-client. */
  get(): Promise<MetricSnapshot>;
  /** Does nothing: what is measured is the application's state. prom-client calls it in `resetMetrics`. */
  reset(): void;
}

/** What the metrics are read from. */
export interface MetricSource {
  status(): InstanceStatus;
  records(): number;
  commits(): number;
  recordCache(): RecordCacheCounts;
  notReadyReason(): string | null;
}

const RUNNING = 1;

/** The metrics of one instance. */
export function streamsMetrics(source: MetricSource): StreamsMetric[] {
  return [
    metric('tributary_records_total', 'Records processed since the process started', () => [one(source.records())]),
    metric('tributary_records_per_second', 'Records processed a second, over the last status interval', () => [
      one(source.status().recordsPerSecond),
    ]),
    metric('tributary_commits_total', 'Commits of tasks since the process started', () => [one(source.commits())]),
    metric('tributary_task_lag', 'Records a task has not committed yet', () =>
      // Of a task that does not run yet nobody may know: no 0 that an alarm would believe.
      source.status().tasks.map(({ id, role, lag, lagKnown }) => ({
        labels: { task: id, role },
        value: lagKnown === false ? NaN : lag,
      })),
    ),
    metric('tributary_task_state', 'The state a task is in has the value 1', () =>
      source.status().tasks.map(({ id, state }) => ({ labels: { task: id, state }, value: RUNNING })),
    ),
    metric('tributary_task_dropped', 'Records a task has passed over since this instance took it, by reason', () =>
      source
        .status()
        .tasks.flatMap(({ id, dropped = {} }) =>
          Object.entries(dropped).map(([reason, count]) => ({ labels: { task: id, reason }, value: count })),
        ),
    ),
    metric('tributary_record_cache_reads_total', 'Reads of committed rows, by whether the cache had them', () => {
      const { hits, misses } = source.recordCache();
      return [
        { labels: { found: 'true' }, value: hits },
        { labels: { found: 'false' }, value: misses },
      ];
    }),
    metric('tributary_record_cache_bytes', 'Memory that the committed rows in the cache take', () => [
      one(source.recordCache().bytes),
    ]),
    metric('tributary_record_cache_rows', 'Committed rows in the cache', () => [one(source.recordCache().rows)]),
    metric('tributary_ready', '1 when the instance is ready', () => [one(source.notReadyReason() === null ? 1 : 0)]),
  ];
}

function one(value: number): MetricValue {
  return { labels: {}, value };
}

function metric(name: string, help: string, read: () => MetricValue[]): StreamsMetric {
  const snapshot = (): MetricSnapshot => ({ name, help, type: 'gauge', aggregator: 'sum', values: read() });
  return {
    name,
    help,
    type: 'gauge',
    aggregator: 'sum',
    get values() {
      return read();
    },
    get: async () => snapshot(),
    reset: () => undefined,
  };
}
