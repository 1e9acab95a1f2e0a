import { readdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { asAccessDenied } from '../kafka/kafka-errors.ts';
import { messageOf, StreamsError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StoreAnswer, StoreQuestion } from '../queries/store-question.ts';
import { RecordWatch } from '../task/record-watch.ts';
import { WithheldRecords } from '../task/withheld-records.ts';
import { askingHandlers } from './error-line.ts';
import { loadTopology } from './load-topology.ts';
import { renumbered } from '../topology/sub-topology-numbers.ts';
import { StreamThread } from './stream-thread.ts';
import { ThreadAnswers } from './thread-answers.ts';
import { watchedTopics, type FromThread, type ThreadLoad, type ToThread } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('stream-thread-worker.ts runs as a worker thread only');
const { threadName, topology: place } = workerData as ThreadLoad;
const send = (message: FromThread): void => port.postMessage(message);
const log =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  (fields: object, message: string): void =>
    send({ kind: 'log', level, fields: { thread: threadName, ...plain(fields) }, message });
const answers = new ThreadAnswers(send);
const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };

/** Errors and the like cannot cross threads. */
function plain(fields: object): object {
  return JSON.parse(
    JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value)),
  ) as object;
}

function storesOnDisk(slotDirectory: string): string[] {
  try {
    return readdirSync(slotDirectory).filter((entry) => /^\d+_\d+$/.test(entry));
  } catch {
    return [];
  }
}

async function answerTo(thread: StreamThread | undefined, question: StoreQuestion): Promise<StoreAnswer> {
  return thread === undefined ? { kind: 'absent', state: undefined } : thread.answer(question);
}

async function main(): Promise<void> {
  const started = Promise.withResolvers<Extract<ToThread, { kind: 'start' }>>();
  const withheld = new WithheldRecords();
  /** As of the last message: it may come while the code is loaded. */
  const wanted: { thread: StreamThread | undefined; paused: boolean; closed: boolean } = {
    thread: undefined,
    paused: false,
    closed: false,
  };
  port?.on('message', (message: ToThread) => {
    switch (message.kind) {
      case 'start':
        wanted.paused = message.paused;
        started.resolve(message);
        break;
      case 'withhold':
        withheld.add(message.records);
        break;
      case 'pause':
        wanted.paused = true;
        wanted.thread?.pause();
        break;
      case 'resume':
        wanted.paused = false;
        wanted.thread?.resume();
        break;
      case 'ask':
        for (const { id, question } of message.questions)
          void answerTo(wanted.thread, question).then((answer) => answers.add(id, answer));
        break;
      case 'close':
        wanted.closed = true;
        wanted.thread?.close();
    }
  });
  const topology = await loadTopology(place);
  send({ kind: 'built' });
  const { init, watch, decisions, withheld: before } = await started.promise;
  withheld.add(before);
  const thread = new StreamThread(init, renumbered(topology, init.subTopologyNumbers), {
    logger,
    storesOnDisk: () => storesOnDisk(init.slotDirectory),
    watch: new RecordWatch(watchedTopics(init), watch),
    withheld,
    handlers: askingHandlers(init.handlers, decisions, (question) => send({ kind: 'decide', question })),
    paused: wanted.paused,
    onOwners: (owners) => send({ kind: 'owners', owners }),
    onRestore: (event) => send({ kind: 'restore', event }),
    onSpans: (spans) => send({ kind: 'spans', spans }),
    onSteady: () => report(),
  });
  wanted.thread = thread;
  send({ kind: 'loaded' });
  if (wanted.closed) thread.close();
  let flushed = false;
  function report(): void {
    const status = thread.status();
    send(status);
    if (flushed || !status.steady) return;
    flushed = true;
    // Node keeps what it has compiled when a process ends well; one that is killed later should start as fast.
    flushCompileCache();
  }
  const timer = setInterval(report, init.config.statusIntervalMs);
  try {
    await thread.run();
    send(thread.status());
    send({ kind: 'closed' });
  } finally {
    clearInterval(timer);
  }
}

try {
  await main();
} catch (error) {
  const known = error instanceof StreamsError ? error : asAccessDenied(error, 'running');
  send({
    kind: 'failed',
    code: known?.code ?? 'THREAD_FAILED',
    message: messageOf(known ?? error),
    details: known?.details ?? {},
    stack: error instanceof Error ? error.stack : undefined,
  });
}
port.close();
