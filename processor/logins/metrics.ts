import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { KafkaStreams } from '@tributary/streams';

const RUNNING = 1;

/** Prometheus metrics of one processor instance, read from its status when they are asked for. */
export function processorMetrics(streams: KafkaStreams): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [register],
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });
  };
  gauge('tributary_records_total', 'Records processed since the process started', [], (set) =>
    set({}, streams.records()),
  );
  gauge('tributary_records_per_second', 'Records processed a second, over the last status interval', [], (set) =>
    set({}, streams.status().recordsPerSecond),
  );
  gauge('tributary_task_lag', 'Records a task has not committed yet', ['task', 'role'], (set) => {
    // Of a task that does not run yet nobody may know: no 0 that an alarm would believe.
    for (const { id, role, lag, lagKnown } of streams.status().tasks)
      set({ task: id, role }, lagKnown === false ? NaN : lag);
  });
  gauge('tributary_task_state', 'The state a task is in has the value 1', ['task', 'state'], (set) => {
    for (const { id, state } of streams.status().tasks) set({ task: id, state }, RUNNING);
  });
  gauge(
    'tributary_task_dropped',
    'Records a task has passed over since this instance took it, by reason',
    ['task', 'reason'],
    (set) => {
      for (const { id, dropped = {} } of streams.status().tasks)
        for (const [reason, count] of Object.entries(dropped)) set({ task: id, reason }, count);
    },
  );
  gauge('tributary_ready', '1 when the instance is ready', [], (set) =>
    set({}, streams.notReadyReason() === null ? 1 : 0),
  );
  return register;
}
