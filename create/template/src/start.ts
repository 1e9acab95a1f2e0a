import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connection } from './settings.ts';

/** All of it on one machine, each part a process of its own, as on several. */
if (!(await isThere(connection.brokers[0] ?? ''))) {
  console.error(
    `No Kafka answers at ${connection.brokers.join()}. Start one with "docker compose up -d", ` +
      'or name yours in KAFKA_BROKERS.',
  );
  process.exit(1);
}

const parts = ['processor.ts', 'producer.ts', 'api.ts'].map((file) => fork(join(import.meta.dirname, file)));
const stopAll = (): void => {
  for (const part of parts) part.kill('SIGTERM');
};
process.on('SIGINT', stopAll).on('SIGTERM', stopAll).on('disconnect', stopAll);

// Whichever ends, the others end too.
const ends = parts.map(async (part) => {
  const [code] = (await once(part, 'exit')) as [number | null];
  stopAll();
  return code ?? 1;
});
process.exit(Math.max(...(await Promise.all(ends))));

async function isThere(broker: string): Promise<boolean> {
  const at = broker.lastIndexOf(':');
  const socket = connect({ host: broker.slice(0, at), port: Number(broker.slice(at + 1)) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
