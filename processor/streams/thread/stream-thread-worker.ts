import { readdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { asAccessDenied } from '../consumer/kafka-errors.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ThreadInit } from '../streams-config.ts';
import type { Topology } from '../topology/topology.ts';
import { StreamThread } from './stream-thread.ts';
import type { FromThread, ToThread } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('stream-thread-worker.ts runs as a worker thread only');
const init = workerData as ThreadInit;
const tell = (message: FromThread): void => port.postMessage(message);
const log =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  (fields: object, message: string): void =>
    tell({ kind: 'log', level, fields: { thread: init.threadName, ...plain(fields) }, message });
const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };

/** Errors and the like do not cross threads as they are. */
function plain(fields: object): object {
  return JSON.parse(JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value))) as object;
}

function storesOnDisk(): string[] {
  try {
    return readdirSync(init.slotDirectory).filter((entry) => /^\d+_\d+$/.test(entry));
  } catch {
    return [];
  }
}

async function main(): Promise<void> {
  const { buildTopology } = (await import(init.topologyModule)) as { buildTopology: (options: unknown) => Topology };
  const thread = new StreamThread(init, buildTopology(init.topologyOptions), logger, storesOnDisk);
  port?.on('message', (message: ToThread) => {
    if (message.kind === 'close') thread.close();
  });
  const timer = setInterval(() => tell(thread.status()), init.config.statusIntervalMs);
  try {
    await thread.run();
    tell(thread.status());
    tell({ kind: 'closed' });
  } finally {
    clearInterval(timer);
  }
}

try {
  await main();
} catch (error) {
  const known = error instanceof StreamsError ? error : asAccessDenied(error, 'running');
  tell({ kind: 'failed', code: known?.code ?? 'THREAD_FAILED', message: messageOf(known ?? error), stack: error instanceof Error ? error.stack : undefined });
}
port.close();
