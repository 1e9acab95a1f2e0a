import { collectDefaultMetrics, Registry } from 'prom-client';

/** Prometheus metrics of the process itself: its memory, its event loop. */
export function processMetrics(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
