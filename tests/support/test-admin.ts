import type { Admin } from 'kafkajs';
import { createKafka } from '../../processor/streams/consumer/kafka-cluster.ts';
import type { KafkaConnectionConfig } from '../../processor/streams/kafka-connection-config.ts';
import { quietLogger } from './quiet-logger.ts';

/**
 * The admin client of the tests, connected. It asks for half a minute where the broker is just starting, or has no coordinator yet; what the
 * broker refuses it tells at once.
 */
export async function testAdmin(connection: KafkaConnectionConfig): Promise<Admin> {
  const admin = createKafka({ ...connection, clientId: 'test-admin' }, quietLogger).admin({ retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 35 } });
  await admin.connect();
  return admin;
}
