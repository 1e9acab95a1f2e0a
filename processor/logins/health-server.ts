import {
  type KafkaStreams,
  type Logger,
  type ProcessorHealth,
  serveProcessorHealth,
  type StreamsError,
} from '@tributary/streams';
import { processMetrics } from './metrics.ts';
import { withVariables, wordsOf } from './runtime-words.ts';

/** A processor instance's own /health, /ready and /metrics. */
export type HealthServer = ProcessorHealth;

/** @throws the listen error (port in use and the like). */
export function serveHealth(options: {
  host: string;
  port: number;
  streams: KafkaStreams;
  log: Logger;
}): Promise<HealthServer> {
  const { host, port, streams, log } = options;
  const words = (said: StreamsError | string): string =>
    typeof said === 'string' ? withVariables(said) : wordsOf(said);
  return serveProcessorHealth(streams, { host, port, registry: processMetrics(), words, logger: log });
}
