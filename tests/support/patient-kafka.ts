import kafkajs from 'kafkajs';
import type { KafkaConnectionConfig } from '@tributary/streams';

/**
 * kafkajs for what a test itself asks of a broker: for half a minute where it is just starting, or has no coordinator
 * yet, on however slow a machine.
 */
export function patientKafka(connection: KafkaConnectionConfig, clientId: string): kafkajs.Kafka {
  return new kafkajs.Kafka({
    clientId,
    brokers: [...connection.brokers],
    connectionTimeout: 10_000,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 35 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
}
