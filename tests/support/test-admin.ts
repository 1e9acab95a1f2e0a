import type { Admin } from 'kafkajs';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { patientKafka } from './patient-kafka.ts';

/** The admin client of the tests, connected. What the broker refuses it tells at once. */
export async function testAdmin(connection: KafkaConnectionConfig): Promise<Admin> {
  const admin = patientKafka(connection, 'test-admin').admin();
  await admin.connect();
  return admin;
}
