import { join } from 'node:path';
import type { KafkaConnectionConfig, Logger } from '@tributary/streams';
import { APPLICATION_ID } from './names.ts';

/** Where Kafka is: KAFKA_BROKERS, or a broker of this machine. */
export const connection: KafkaConnectionConfig = {
  brokers: (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',').map((broker) => broker.trim()),
  clientId: APPLICATION_ID,
};

/** Where a processor keeps its tables: STATE_DIR, or a folder of the application. */
export const stateDir = process.env['STATE_DIR'] ?? join(import.meta.dirname, '..', '.data');

/** Where the API listens: PORT, or 4400. */
export const port = Number(process.env['PORT'] ?? 4400);

/** Warnings and errors on standard error. A pino logger fits as it is. */
export const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => console.error('warning:', message, JSON.stringify(fields)),
  error: (fields, message) => console.error('error:', message, JSON.stringify(fields)),
};

/** Ends a process in order, once: on Ctrl-C, on SIGTERM, and when the process that has started it is gone. */
export function onStop(stop: () => Promise<void>): void {
  let stopping: Promise<void> | undefined;
  const once = (): void => {
    stopping ??= stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', once).on('SIGTERM', once).on('disconnect', once);
}
