import { StreamsError } from '../errors.ts';
import { checkLogger, checkOptions, textOf } from '../options.ts';
import type { InstanceStatus, TaskStatus } from '../task/instance-status.ts';
import { taskId, type TaskId } from '../task/task-id.ts';
import { OwnerConnection, type QueryAddress } from './owner-connection.ts';
import type { OwnerAnswer, OwnerQuestion, OwnerReads, OwnersOptions } from './owner-reads.ts';
import { faultOf, LONGEST_WAIT_MS, MOST_QUESTIONS, type OwnerReply } from './query-messages.ts';

const DEFAULT_WAIT_MS = 5_000;
/** An instance that does not answer for so long is passed over, longer than it may wait for a position. */
const ANSWER_TIMEOUT_MS = 1_500;
/** A position is waited for no longer at one instance: the task may have moved. */
const POSITION_WAIT_MS = 500;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 200;
const LIFE_SIGN_MS = 10_000;
/** What an instance said of who has a task is newer than the statuses for so long. */
const HINT_MS = 5_000;

/** One question on its way to an answer. */
interface Pending {
  readonly index: number;
  readonly question: OwnerQuestion;
  /** Addresses that could not answer, since the last pause. */
  readonly tried: Set<string>;
  pauseMs: number;
  /** Why there is no answer yet. */
  reason: string;
}

/** Who has a task, as the leader of the group has told an instance. */
interface Hint {
  readonly active: string;
  readonly atMs: number;
}

/**
 * Asks the instances of an application that have a `queryListener`. Connections are made when they are needed.
 * @throws StreamsError CONFIG_INVALID
 */
export function connectOwners(options: OwnersOptions): OwnerReads {
  checkOptions('connectOwners', options, ['token', 'instances', 'subTopologyOf', 'logger']);
  checkLogger('connectOwners', options.logger);
  if (typeof options.token !== 'string' || options.token.trim() === '')
    throw new StreamsError('CONFIG_INVALID', 'the token of connectOwners is a secret text that is not empty');
  for (const name of ['instances', 'subTopologyOf'] as const)
    if (typeof options[name] !== 'function')
      throw new StreamsError('CONFIG_INVALID', `connectOwners: ${name} is a function, not ${textOf(options[name])}`);
  return new ConnectedOwners(options);
}

class ConnectedOwners implements OwnerReads {
  readonly #options: OwnersOptions;
  readonly #connections = new Map<string, OwnerConnection>();
  readonly #hints = new Map<TaskId, Hint>();
  readonly #pauses = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: OwnersOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#lookAfterConnections(), LIFE_SIGN_MS);
    this.#timer.unref();
  }

  async ask(
    questions: readonly OwnerQuestion[],
    waitMs: number = DEFAULT_WAIT_MS,
  ): Promise<readonly (OwnerAnswer | StreamsError)[]> {
    const answers: (OwnerAnswer | StreamsError)[] = [];
    const pending: Pending[] = [];
    for (const [index, question] of questions.entries()) {
      const fault = faultOf(question);
      if (fault !== undefined) answers[index] = fault;
      else pending.push({ index, question, tried: new Set(), pauseMs: FIRST_PAUSE_MS, reason: 'nobody was asked' });
    }
    await this.#settle(pending, performance.now() + waitMs, answers);
    return answers;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    for (const wake of this.#pauses) wake();
  }

  /** Each group goes its own way from here on: an owner that is slow does not hold up the others. */
  async #settle(pending: readonly Pending[], untilMs: number, answers: (OwnerAnswer | StreamsError)[]): Promise<void> {
    const groups = new Map<string, { readonly address: QueryAddress; readonly asked: Pending[] }>();
    const nowhere: Pending[] = [];
    const instances = this.#isClosed ? [] : this.#options.instances();
    for (const one of pending) {
      const address = this.#nextAddress(one, instances);
      if (address === undefined) {
        nowhere.push(one);
        continue;
      }
      const name = nameOf(address);
      const group = groups.get(name) ?? { address, asked: [] };
      groups.set(name, group);
      group.asked.push(one);
    }
    await Promise.all([
      ...[...groups.values()].flatMap(({ address, asked }) =>
        inParts(asked).map((part) => this.#askAt(address, part, untilMs, answers)),
      ),
      ...(nowhere.length === 0 ? [] : [this.#later(nowhere, untilMs, answers)]),
    ]);
  }

  async #askAt(
    address: QueryAddress,
    asked: readonly Pending[],
    untilMs: number,
    answers: (OwnerAnswer | StreamsError)[],
  ): Promise<void> {
    const leftMs = Math.max(1, untilMs - performance.now());
    const connection = this.#connectionTo(address);
    const replies = await connection.ask(
      asked.map(({ question }) => question),
      // An instance that is behind says so in time.
      Math.min(leftMs / 2, POSITION_WAIT_MS, LONGEST_WAIT_MS),
      Math.min(leftMs, ANSWER_TIMEOUT_MS),
    );
    const failed = asked.filter((one, place) => {
      const reply = replies[place];
      if (reply?.kind === 'answer') answers[one.index] = reply.answer;
      else if (reply?.kind === 'failed' && reply.code === 'CONFIG_INVALID')
        answers[one.index] = new StreamsError(reply.code, reply.message);
      else {
        one.tried.add(nameOf(address));
        one.reason = this.#reasonOf(one, reply, address, connection.trouble);
        return true;
      }
      return false;
    });
    if (failed.length > 0) await this.#settle(failed, untilMs, answers);
  }

  /** Nobody is left to ask: in a moment a task may be at its new place. */
  async #later(pending: readonly Pending[], untilMs: number, answers: (OwnerAnswer | StreamsError)[]): Promise<void> {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0 || this.#isClosed) {
      for (const { index, question, reason } of pending) answers[index] = notAnswered(question, reason);
      return;
    }
    await this.#pause(Math.min(leftMs, ...pending.map(({ pauseMs }) => pauseMs)));
    for (const one of pending) {
      one.tried.clear();
      one.pauseMs = Math.min(LONGEST_PAUSE_MS, one.pauseMs * 2);
    }
    await this.#settle(pending, untilMs, answers);
  }

  #pause(pauseMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      clearTimeout(timer);
      this.#pauses.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, pauseMs);
    this.#pauses.add(wake);
    return promise;
  }

  #nextAddress(one: Pending, instances: readonly InstanceStatus[]): QueryAddress | undefined {
    const { store, partition, allowStale } = one.question;
    const subTopology = this.#options.subTopologyOf(store);
    if (subTopology === undefined) {
      one.reason = 'no such store of the application is known';
      return undefined;
    }
    const known = this.#candidates(taskId(subTopology, partition), allowStale, instances);
    if (known.length === 0) one.reason = 'no instance with a queryListener is known to have it';
    return known.find((address) => !one.tried.has(nameOf(address)));
  }

  /** Who has the task, the best one first. */
  #candidates(id: TaskId, allowStale: boolean, instances: readonly InstanceStatus[]): QueryAddress[] {
    const found: { readonly address: QueryAddress; readonly rank: number; readonly order: number }[] = [];
    const hint = this.#hints.get(id);
    const isHintNew = hint !== undefined && performance.now() - hint.atMs < HINT_MS;
    for (const { id: instance, queryAddress: address, tasks, reportedAtMs } of instances) {
      if (address === undefined) continue;
      if (isHintNew && hint.active === instance) found.push({ address, rank: 0, order: 0 });
      for (const task of tasks) {
        if (task.id !== id) continue;
        const rank = rankOf(task);
        // Among owners the newest report, among standbys the least lag.
        if (rank === 1 || allowStale) found.push({ address, rank, order: rank === 1 ? -reportedAtMs : task.lag });
      }
    }
    const silence = ({ address }: { readonly address: QueryAddress }): number =>
      Number(this.#connections.get(nameOf(address))?.isSilent === true);
    return found
      .sort((a, b) => silence(a) - silence(b) || a.rank - b.rank || a.order - b.order)
      .map(({ address }) => address);
  }

  #reasonOf(
    { question: { store, partition } }: Pending,
    reply: Exclude<OwnerReply, { kind: 'answer' }> | undefined,
    address: QueryAddress,
    trouble: string | undefined,
  ): string {
    const at = nameOf(address);
    if (reply === undefined) return `${at}: ${trouble ?? 'no answer'}`;
    if (reply.kind === 'behind') return `${at} has only read it up to offset ${String(reply.position)}`;
    if (reply.kind === 'failed') return `${at}: ${reply.code}: ${reply.message}`;
    const subTopology = this.#options.subTopologyOf(store);
    if (reply.active !== undefined && subTopology !== undefined)
      this.#hints.set(taskId(subTopology, partition), { active: reply.active, atMs: performance.now() });
    return `${at} does not have it at the moment`;
  }

  #connectionTo(address: QueryAddress): OwnerConnection {
    const name = nameOf(address);
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = new OwnerConnection(address, this.#options.token);
      this.#connections.set(name, connection);
    }
    return connection;
  }

  #lookAfterConnections(): void {
    const known = new Set(
      this.#options.instances().flatMap(({ queryAddress }) => (queryAddress === undefined ? [] : nameOf(queryAddress))),
    );
    for (const [name, connection] of this.#connections) {
      if (known.has(name) || !connection.isIdle) {
        connection.checkAlive();
        continue;
      }
      connection.close();
      this.#connections.delete(name);
    }
  }
}

/** 1: its owner; from 2 on those that may be behind. */
function rankOf({ role, state }: Pick<TaskStatus, 'role' | 'state'>): number {
  if (role === 'ACTIVE') return state === 'RUNNING' ? 1 : 4;
  return state === 'RUNNING' ? 2 : 3;
}

function nameOf({ host, port }: QueryAddress): string {
  return `${host}:${String(port)}`;
}

function inParts(asked: readonly Pending[]): (readonly Pending[])[] {
  const parts: (readonly Pending[])[] = [];
  for (let at = 0; at < asked.length; at += MOST_QUESTIONS) parts.push(asked.slice(at, at + MOST_QUESTIONS));
  return parts;
}

function notAnswered({ store, partition }: OwnerQuestion, reason: string): StreamsError {
  return new StreamsError(
    'STORE_NOT_HERE',
    `nobody answered for partition ${String(partition)} of the store "${store}": ${reason}`,
    { partition },
  );
}
