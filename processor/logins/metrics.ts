import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { KafkaStreams } from '@tributary/streams';

/** Prometheus metrics of one processor instance, read from its status when they are asked for. */
export function processorMetrics(streams: Pick<KafkaStreams, 'metrics'>): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  // prom-client asks a metric for its numbers, whatever class it is of; its types do not say so.
  for (const metric of streams.metrics()) register.registerMetric(metric as unknown as Metric);
  return register;
}
