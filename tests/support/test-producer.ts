import kafkajs, { type Producer } from 'kafkajs';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { patientKafka } from './patient-kafka.ts';

/**
 * The producer of the tests, connected. It is idempotent and never gives up: a send whose answer was late or lost is
 * repeated under the same sequence number, so that each message is written once, on however slow a machine.
 */
export async function testProducer(
  connection: KafkaConnectionConfig,
  transactional: { readonly transactionalId?: string } = {},
): Promise<Producer> {
  const producer = patientKafka(connection, 'test-producer').producer({
    ...transactional,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: Number.MAX_SAFE_INTEGER },
  });
  await producer.connect();
  return producer;
}

/** Writes messages once and lets go of the connection. */
export async function publishOnce(
  connection: KafkaConnectionConfig,
  record: Parameters<Producer['send']>[0],
): Promise<void> {
  const producer = await testProducer(connection);
  try {
    await producer.send(record);
  } finally {
    await producer.disconnect();
  }
}
