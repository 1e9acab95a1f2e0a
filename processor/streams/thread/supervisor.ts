import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ERROR_TABLE, StreamsError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { TaskOwners } from '../group/task-owners.ts';
import type { StoreAnswer, StoreQuestion, TaskQuestion } from '../queries/store-question.ts';
import { addCounts, NO_CACHE_COUNTS, type RecordCacheCounts } from '../store/record-cache.ts';
import type { ThreadInit } from '../streams-config.ts';
import type { RestoreEvent } from '../task/initialise-task.ts';
import type { TaskStatus } from '../task/instance-status.ts';
import type { ErrorHandlers } from '../task/error-decisions.ts';
import type { RecordSpan } from '../task/record-traces.ts';
import { RecordWatch, type RecordPlace } from '../task/record-watch.ts';
import { answerQuestion, errorLineMemory } from './error-line.ts';
import type { TopologyPlace } from './load-topology.ts';
import { ThreadQuestions } from './thread-questions.ts';
import { watchedTopics, type FromThread, type ThreadLoad, type ToThread } from './thread-messages.ts';
import { workerFailure, workerHeap } from './worker-heap.ts';
import { recordPlace } from '../kafka/topic-partition.ts';

/** TypeScript in a clone, JavaScript in the package that is installed. */
const WORKER = import.meta.url.endsWith('.ts')
  ? new URL('./stream-thread-worker.ts', import.meta.url)
  : new URL('./stream-thread-worker.js', import.meta.url);

type ThreadStatus = Extract<FromThread, { kind: 'status' }>;

interface SupervisedThread {
  readonly name: string;
  readonly status: ThreadStatus | undefined;
  /** Why it does not work: it has failed, and has committed nothing since. */
  readonly trouble: Trouble | undefined;
  /** Tasks of a thread in trouble are not RUNNING, whatever its last report says. */
  readonly tasks: readonly TaskStatus[];
}

export interface Trouble {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** One stream thread: the workers that run it come and go. */
interface ManagedThread {
  readonly init: ThreadInit;
  worker: Worker | undefined;
  /** Which record its user code is working on. */
  watch: RecordWatch | undefined;
  /** Through which it is told what to do about a failure. */
  readonly decisions: SharedArrayBuffer;
  status: ThreadStatus | undefined;
  /** Records of workers that have ended. */
  pastRecords: number;
  pastCommits: number;
  /** And the reads of their caches; what was in those is gone. */
  pastCache: RecordCacheCounts;
  failuresWithoutProgress: number;
  /**
   * How often user code failed at the same record: failing there again is no progress, whatever other tasks committed.
   */
  readonly failuresByRecord: Map<string, number>;
  failedThisLife: boolean;
  /** It has not said yet that its code is loaded. */
  loading: boolean;
  closed: (() => void) | undefined;
  /** When its last message came, `performance.now()`. */
  lastMessageAt: number;
  /** When it last reported, and for how long it had had lag by then and committed nothing, though it could work. */
  reportedAt: number;
  stuckMs: number;
  restored: number;
  trouble: (Trouble & { readonly at: number; readonly tasks: readonly TaskStatus[] }) | undefined;
}

const MAX_BACKOFF_MS = 30_000;
const CLOSE_TIMEOUT_MS = 8_000;
const MOST_RECORDS_REMEMBERED = 100;
/** One hang may be a machine that stood still. */
const MOST_HANGS = 2;
const WATCH_INTERVAL_MS = 1_000;
const ASLEEP_AFTER_MS = 5_000;
/** Checking a store, or a rebalance, may take longer than a commit: a tenth of such time counts. */
const UNSTEADY_SHARE = 0.1;
/** Code that loads is no user code that hangs, and a busy machine takes its time: a tenth of such silence counts. */
const LOADING_SHARE = 0.1;
/** Of threads that start together, for those whose code loads longer than that of the others. */
const TOGETHER_WITHIN_MS = 500;
/** A thread that commits seldom is not stuck between two commits. */
const MOST_COMMIT_INTERVALS = 3;
/**
 * Keeps stream threads running: a thread that fails is replaced after a back-off, at most `threadReplacements` times
 * without a commit in between. Errors whose reaction is `exit` are not tried again.
 */
export class Supervisor {
  readonly #threads: ManagedThread[];
  readonly #logger: Logger;
  readonly #onFatal: (error: StreamsError) => void;
  readonly #onChange: () => void;
  readonly #topology: TopologyPlace;
  readonly #onRestore: (event: RestoreEvent) => void;
  readonly #onSpans: ((spans: readonly RecordSpan[]) => void) | undefined;
  readonly #onOwners: (owners: TaskOwners | undefined) => void;
  readonly #handlers: ErrorHandlers;
  readonly #questions = new ThreadQuestions();
  /** Workers that have loaded their code, one for each thread, until its first start. */
  readonly #spares: Worker[];
  /** How often threads hung at a record, by its place: a hang moves with its partition from one thread to another. */
  readonly #hangs = new Map<string, number>();
  readonly #withheld: RecordPlace[] = [];
  #closing = false;
  #paused = false;
  #watchTimer: NodeJS.Timeout | undefined;
  #watchedAt = 0;

  constructor(
    inits: readonly ThreadInit[],
    logger: Logger,
    handlers: {
      onFatal: (error: StreamsError) => void;
      onChange: () => void;
      onOwners: (owners: TaskOwners | undefined) => void;
      onRestore: (event: RestoreEvent) => void;
      onSpans?: (spans: readonly RecordSpan[]) => void;
    } & ErrorHandlers,
    topology: TopologyPlace,
    spares: Worker[] = [],
  ) {
    this.#topology = topology;
    this.#threads = inits.map((init) => ({
      init,
      worker: undefined,
      watch: undefined,
      decisions: errorLineMemory(),
      status: undefined,
      pastRecords: 0,
      pastCommits: 0,
      pastCache: NO_CACHE_COUNTS,
      failuresWithoutProgress: 0,
      failuresByRecord: new Map(),
      failedThisLife: false,
      loading: true,
      closed: undefined,
      lastMessageAt: 0,
      reportedAt: 0,
      stuckMs: 0,
      restored: 0,
      trouble: undefined,
    }));
    this.#logger = logger;
    this.#onFatal = handlers.onFatal;
    this.#onChange = handlers.onChange;
    this.#onOwners = handlers.onOwners;
    this.#onRestore = handlers.onRestore;
    this.#onSpans = handlers.onSpans;
    this.#handlers = handlers;
    this.#spares = spares;
  }

  start(): void {
    for (const thread of this.#threads) this.#spawn(thread);
    this.#watchTimer = setInterval(() => this.#findStuck(), WATCH_INTERVAL_MS);
    this.#watchTimer.unref();
  }

  threads(): SupervisedThread[] {
    return this.#threads.map((thread) => ({
      name: thread.init.threadName,
      status: thread.status,
      trouble: thread.trouble,
      tasks: tasksOf(thread),
    }));
  }

  /** Also for threads that take the place of others, until `resume`. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /** What each of the threads answers. */
  async askAll(question: StoreQuestion): Promise<StoreAnswer[]> {
    const workers = this.#threads.flatMap(({ worker }) => worker ?? []);
    return Promise.all(workers.map((worker) => this.#questions.ask(worker, question)));
  }

  /** What the first thread answers that has it. */
  async askAny(question: StoreQuestion): Promise<StoreAnswer> {
    for (const { worker } of this.#threads) {
      const answer = worker === undefined ? undefined : await this.#questions.ask(worker, question);
      if (answer !== undefined && answer.kind !== 'absent') return answer;
    }
    return { kind: 'absent', state: undefined };
  }

  /** What the thread answers that has the task; of none 'absent', in the words of the one that knows most. */
  async askOwner(question: TaskQuestion): Promise<StoreAnswer> {
    const rankOf = ({ status }: ManagedThread): number => {
      const roles = status?.tasks.filter(({ id }) => id === question.taskId).map(({ role }) => role) ?? [];
      return roles.includes('ACTIVE') ? 0 : roles.includes('STANDBY') ? 1 : 2;
    };
    let absent: StoreAnswer = { kind: 'absent', state: undefined };
    // A report may be a second old: threads that do not name the task are asked, too.
    for (const { worker } of [...this.#threads].sort((a, b) => rankOf(a) - rankOf(b))) {
      if (worker === undefined) continue;
      const answer = await this.#questions.ask(worker, question);
      if (answer.kind !== 'absent') return answer;
      if (answer.state !== undefined) absent = answer;
    }
    return absent;
  }

  /** Records processed by all threads, replaced ones included. */
  records(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.pastRecords + (thread.status?.records ?? 0), 0);
  }

  /** Commits of tasks by all threads, replaced ones included. */
  commits(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.pastCommits + (thread.status?.commits ?? 0), 0);
  }

  /** Of the record caches of all threads; reads of replaced ones included. */
  recordCache(): RecordCacheCounts {
    return this.#threads.reduce(
      (sum, { pastCache, status }) => addCounts(addCounts(sum, pastCache), status?.cache ?? NO_CACHE_COUNTS),
      NO_CACHE_COUNTS,
    );
  }

  /** Ends all threads after a last commit each; a thread that does not end in time is terminated. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watchTimer);
    await Promise.all(
      this.#threads.map(async (thread) => {
        const { worker } = thread;
        if (worker === undefined) return;
        const done = new Promise<void>((resolve) => {
          thread.closed = resolve;
        });
        worker.postMessage({ kind: 'close' } satisfies ToThread);
        const timer = setTimeout(() => {
          this.#logger.warn({ thread: thread.init.threadName }, 'the thread did not close in time; terminating it');
          void worker.terminate();
        }, CLOSE_TIMEOUT_MS);
        await done;
        clearTimeout(timer);
      }),
    );
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    for (const { worker } of this.#threads)
      worker?.postMessage({ kind: paused ? 'pause' : 'resume' } satisfies ToThread);
  }

  #spawn(thread: ManagedThread): void {
    thread.failedThisLife = false;
    thread.loading = true;
    thread.lastMessageAt = performance.now();
    thread.reportedAt = thread.lastMessageAt;
    thread.stuckMs = 0;
    thread.restored = 0;
    const spare = this.#spares.shift();
    // One that has died meanwhile has no number any more, and would never say so again.
    const worker =
      spare !== undefined && spare.threadId > 0 ? spare : loadStreamThread(thread.init.threadName, this.#topology);
    const watch = RecordWatch.memory();
    thread.watch = new RecordWatch(watchedTopics(thread.init), watch);
    worker.postMessage({
      kind: 'start',
      init: thread.init,
      watch,
      decisions: thread.decisions,
      withheld: this.#withheld,
      paused: this.#paused,
    } satisfies ToThread);
    thread.worker = worker;
    worker.on('exit', () => this.#questions.gone(worker));
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'answers')
        for (const { id, answer } of message.answers) this.#questions.answered(id, answer);
      if (thread.worker !== worker) return;
      this.#receive(thread, message);
      // No message follows. kafkajs may keep a socket open after a disconnect, which would keep the thread alive.
      if (message.kind === 'closed' || message.kind === 'failed') void worker.terminate();
    });
    worker.on(
      'error',
      (error) => thread.worker === worker && this.#failed(thread, 'THREAD_FAILED', workerFailure(error)),
    );
    worker.on('exit', () => {
      if (thread.worker !== worker) return;
      thread.worker = undefined;
      thread.closed?.();
      if (!this.#closing) this.#failed(thread, 'THREAD_FAILED', 'the thread ended by itself');
    });
  }

  #receive(thread: ManagedThread, message: FromThread): void {
    thread.lastMessageAt = performance.now();
    thread.loading = false;
    if (message.kind === 'log') this.#logger[message.level](message.fields, message.message);
    else if (message.kind === 'restore') this.#onRestore(message.event);
    else if (message.kind === 'spans') this.#onSpans?.(message.spans);
    else if (message.kind === 'owners') this.#onOwners(message.owners);
    else if (message.kind === 'decide') answerQuestion(this.#handlers, message.question, thread.decisions);
    else if (message.kind === 'failed')
      this.#failed(thread, message.code, message.message, message.details, message.stack);
    else if (message.kind === 'status') {
      if (message.commits > (thread.status?.commits ?? 0)) thread.failuresWithoutProgress = 0;
      followProgress(thread, message, this.#paused);
      thread.status = message;
      this.#onChange();
    }
  }

  /** Liveness is progress while there is lag, not "the process is up". */
  #findStuck(): void {
    const now = performance.now();
    const wasAsleep = now - this.#watchedAt > ASLEEP_AFTER_MS;
    this.#watchedAt = now;
    for (const thread of this.#threads) {
      if (wasAsleep) {
        // The whole process stood still (SIGSTOP, a sleeping laptop): the threads could not report.
        thread.lastMessageAt = now;
        thread.reportedAt = now;
      }
      if (thread.worker === undefined || thread.failedThisLife) continue;
      const { threadHangTimeoutMs, noProgressTimeoutMs, commitIntervalMs, maxTaskIdleMs } = thread.init.config;
      // A task that waits for an empty input, as configured, is not stuck.
      const mostStuckMs = Math.max(noProgressTimeoutMs, MOST_COMMIT_INTERVALS * commitIntervalMs) + maxTaskIdleMs;
      const silentMs = now - thread.lastMessageAt;
      const isSilent = (thread.loading ? silentMs * LOADING_SHARE : silentMs) > threadHangTimeoutMs;
      if (!isSilent && thread.stuckMs <= mostStuckMs) continue;
      const record = isSilent ? thread.watch?.current() : undefined;
      const where = record === undefined ? '' : `, at ${recordPlace(record)}`;
      const hangs = thread.loading ? 'its code does not load' : `it hangs in user code${where}`;
      const why = isSilent
        ? `it has said nothing for ${String(Math.round(silentMs))} ms: ${hangs}`
        : `it has committed nothing for ${String(Math.round(thread.stuckMs))} ms although there is lag`;
      void thread.worker.terminate();
      this.#failed(thread, 'THREAD_FAILED', why);
      if (record !== undefined) this.#countHang(thread, record);
    }
  }

  /**
   * A record at which user code has hung twice is not tried again by any thread, the one that has its partition next
   * included.
   */
  #countHang({ init }: ManagedThread, record: RecordPlace): void {
    const place = recordPlace(record);
    const hangs = (this.#hangs.get(place) ?? 0) + 1;
    if (this.#hangs.size >= MOST_RECORDS_REMEMBERED) this.#hangs.clear();
    this.#hangs.set(place, hangs);
    if (hangs < MOST_HANGS) return;
    if (!init.deadLettered.includes(record.topic)) {
      this.#onFatal(
        new StreamsError(
          'USER_CODE_FAILED',
          `a function of the topology has hung ${String(hangs)} times at ${place}, and records of ` +
            `${record.topic} cannot be dead-lettered: mend the function, or give the stream a dead-letter topic`,
          { topic: record.topic, partition: record.partition, offset: record.offset },
        ),
      );
      return;
    }
    this.#logger.error(
      { ...record, code: 'USER_CODE_FAILED' },
      `a function of the topology has hung ${String(hangs)} times at ${place}: the record is dead-lettered ` +
        `without another try`,
    );
    this.#withheld.push(record);
    for (const { worker } of this.#threads)
      worker?.postMessage({ kind: 'withhold', records: [record] } satisfies ToThread);
  }

  #failed(thread: ManagedThread, code: ErrorCode, message: string, details: ErrorDetails = {}, stack?: string): void {
    if (thread.failedThisLife || this.#closing) return;
    thread.failedThisLife = true;
    const { threadName } = thread.init;
    if (ERROR_TABLE[code] !== 'wait')
      thread.trouble = {
        code,
        reason: `thread ${threadName}: ${message}`,
        at: performance.now(),
        tasks: thread.status?.tasks ?? [],
      };
    thread.pastRecords += thread.status?.records ?? 0;
    thread.pastCommits += thread.status?.commits ?? 0;
    thread.pastCache = addCounts(thread.pastCache, { ...(thread.status?.cache ?? NO_CACHE_COUNTS), rows: 0, bytes: 0 });
    thread.status = undefined;
    this.#onChange();
    const reaction = ERROR_TABLE[code];
    if (reaction === 'exit') {
      this.#onFatal(new StreamsError(code, message, details));
      return;
    }
    const limit = thread.init.config.threadReplacements;
    if (reaction !== 'wait') thread.failuresWithoutProgress += 1;
    const failures = Math.max(
      thread.failuresWithoutProgress,
      code === 'USER_CODE_FAILED' ? countAtRecord(thread, message) : 0,
    );
    if (failures > limit) {
      this.#onFatal(
        new StreamsError(
          'THREADS_EXHAUSTED',
          `thread ${threadName} failed ${String(failures)} times without progress, last with: ${message}`,
          details,
        ),
      );
      return;
    }
    const backoffMs = Math.min(
      thread.init.config.threadReplaceBackoffMs * 2 ** Math.max(0, failures - 1),
      MAX_BACKOFF_MS,
    );
    this.#logger.error(
      { thread: threadName, code, attempt: failures, of: limit, backoffMs, stack },
      `stream thread failed, replacing it: ${message}`,
    );
    setTimeout(() => {
      if (!this.#closing) this.#spawn(thread);
    }, backoffMs);
  }
}

/** Starts a worker that loads its code and waits for its `start`. */
export function loadStreamThread(threadName: string, topology: TopologyPlace): Worker {
  const worker = new Worker(WORKER, {
    workerData: { threadName, topology } satisfies ThreadLoad,
    name: threadName,
    // What the application was started with: its modules may ask.
    argv: process.argv.slice(2),
    resourceLimits: workerHeap(),
  });
  // Until the supervisor listens: an error without a listener would end the process.
  worker.on('error', () => undefined);
  return worker;
}

/** Resolves when the worker has its topology. @throws why it has none. */
export function topologyBuilt(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listen = (message: FromThread): void => {
    if (message.kind === 'built') resolve();
    if (message.kind === 'failed') reject(new StreamsError(message.code, message.message, message.details));
  };
  worker.on('message', listen);
  worker.on('error', reject);
  worker.on('exit', () => reject(new StreamsError('THREAD_FAILED', 'the thread ended while it loaded its topology')));
  return promise.finally(() => worker.off('message', listen));
}

/**
 * Resolves when all threads have their topology or have failed: those that join the group together have one rebalance,
 * where the first of them would be given all tasks, and would close again what it has begun of them. One whose code
 * loads for longer is not waited for.
 */
export async function threadsReady(loading: readonly Promise<void>[], withinMs = TOGETHER_WITHIN_MS): Promise<void> {
  await Promise.race([Promise.allSettled(loading), sleep(withinMs, undefined, { ref: false })]);
}

/**
 * Time without a commit counts against a thread that could have made one, and was not to pause. A broker or a schema
 * registry that is away is waited for, for ever; but to initialise a task again and again is no progress.
 */
function followProgress(thread: ManagedThread, message: ThreadStatus, paused: boolean): void {
  const now = performance.now();
  const sinceMs = now - thread.reportedAt;
  thread.reportedAt = now;
  const restored = message.tasks.reduce((sum, { restore }) => sum + (restore?.restored ?? 0), 0);
  const idle = message.steady && message.tasks.every(({ role, lag }) => role === 'STANDBY' || lag === 0);
  const committed = message.commits > (thread.status?.commits ?? 0);
  if (committed || idle) thread.trouble = undefined;
  const reads = !message.steady && message.globalRecords > (thread.status?.globalRecords ?? 0);
  if (committed || idle || paused || reads || restored > thread.restored) thread.stuckMs = 0;
  else if (message.brokerAway === null && message.registryAway === null)
    thread.stuckMs += message.steady ? sinceMs : sinceMs * UNSTEADY_SHARE;
  thread.restored = restored;
}

/** The tasks of a thread that was ended are its own until the group gives them to another. */
function tasksOf({ init, status, trouble }: ManagedThread): readonly TaskStatus[] {
  if (trouble === undefined) return status?.tasks ?? [];
  if (status !== undefined && status.tasks.length > 0)
    return status.tasks.map((task) => (task.state === 'RUNNING' ? { ...task, state: 'SUSPENDED' } : task));
  const left = performance.now() - trouble.at < init.config.sessionTimeoutMs ? trouble.tasks : [];
  return left.map((task) => ({ ...task, state: 'SUSPENDED' }));
}

/** Counts by message: that of failed user code names the task, the partition and the offset. */
function countAtRecord({ failuresByRecord }: ManagedThread, message: string): number {
  const count = (failuresByRecord.get(message) ?? 0) + 1;
  if (failuresByRecord.size >= MOST_RECORDS_REMEMBERED) failuresByRecord.clear();
  failuresByRecord.set(message, count);
  return count;
}
