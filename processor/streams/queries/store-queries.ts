import { StreamsError } from '../errors.ts';
import { ownersOfTask, type TaskOwners } from '../group/task-owners.ts';
import { checkOptions, didYouMean, textOf } from '../options.ts';
import { storeKeys } from '../store/store-keys.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { compareTaskIds, parseTaskId, taskId, type TaskId } from '../task/task-id.ts';
import type { TaskLayout } from '../task/task-layout.ts';
import { partitionOf } from '../topology/partitioner.ts';
import type { GlobalTableNode } from '../topology/graph.ts';
import type { GlobalQuestion, StoreAnswer, StoreQuestion, TaskQuestion } from './store-question.ts';
import { globalTableView, keyBytesOf, storeView, type StoreAccess, type StoreView } from './store-view.ts';

/** Where the rows of a key are. Instances by the `id` of their status. */
export interface KeyMetadata {
  readonly partition: number;
  /** Undefined: not known, or nobody has it at the moment. */
  readonly active: string | undefined;
  readonly standbys: readonly string[];
}

export interface StoreQueryOptions<Kind extends StoreSpec['kind'] = StoreSpec['kind']> {
  /** What kind of store it is, for the types: another one is refused. Default for the types: key-value. */
  readonly kind?: Kind;
  /** Rows of standbys, and of tasks that are being restored, too: they may be behind what is committed. */
  readonly staleStores?: boolean;
}

/** The same, where the kind must be said. */
export type StoreKind<Kind extends StoreSpec['kind']> = StoreQueryOptions<Kind> & { readonly kind: Kind };

/** The stream threads of this instance, as somebody who asks them. */
export interface AskedThreads {
  askAll(question: StoreQuestion): Promise<readonly StoreAnswer[]>;
  askOwner(question: TaskQuestion): Promise<StoreAnswer>;
  askAny(question: GlobalQuestion): Promise<StoreAnswer>;
}

interface FoundStore {
  readonly spec: StoreSpec;
  readonly tasks: readonly TaskId[];
}

/** Answers queries about the stores of a running application. */
export class StoreQueries {
  readonly #layout: TaskLayout;
  readonly #threads: AskedThreads;
  readonly #owners: () => TaskOwners | undefined;

  readonly #instance: string;

  /** `instance`: the id of this one. `owners`: as of the last rebalance. */
  constructor(layout: TaskLayout, threads: AskedThreads, instance: string, owners: () => TaskOwners | undefined) {
    this.#layout = layout;
    this.#threads = threads;
    this.#instance = instance;
    this.#owners = owners;
  }

  /** @throws StreamsError CONFIG_INVALID for a store that the topology does not have, or of another kind. */
  view(name: string, options: StoreQueryOptions): StoreView<unknown, unknown> {
    checkOptions(`store("${name}")`, options, ['kind', 'staleStores']);
    const { kind, staleStores = false } = options;
    if (typeof staleStores !== 'boolean')
      throw new StreamsError(
        'CONFIG_INVALID',
        `staleStores of store("${name}") is true or false, not ${textOf(staleStores)}`,
      );
    const table = this.#globalTable(name);
    if (table !== undefined) {
      checkKind(name, kind, 'key-value');
      return globalTableView(table, (key) => this.#globalRows(name, key));
    }
    const store = this.#find(name);
    checkKind(name, kind, store.spec.kind);
    return storeView(store.spec, this.#accessTo(store, staleStores));
  }

  /** @throws StreamsError CONFIG_INVALID for a store that the topology does not have. */
  metadata(name: string, key: unknown): KeyMetadata {
    // As in Kafka Streams: of all partitions, here as everywhere.
    if (this.#globalTable(name) !== undefined) return { partition: -1, active: this.#instance, standbys: [] };
    const { spec, tasks } = this.#find(name);
    const id = ownerAmong(tasks, keyBytesOf(name, storeKeys(spec.key), key));
    return { partition: parseTaskId(id).partition, ...ownersOfTask(this.#owners(), id) };
  }

  #find(name: string): FoundStore {
    const { subTopologies } = this.#layout.topology;
    for (const { id, stores } of subTopologies) {
      const spec = stores.find((store) => store.name === name);
      if (spec === undefined) continue;
      const tasks = this.#layout.taskIds().filter((task) => parseTaskId(task).subTopology === id);
      return { spec: spec as StoreSpec, tasks };
    }
    const names = [
      ...subTopologies.flatMap(({ stores }) => stores.map((store) => store.name)),
      ...this.#layout.topology.globalTables.map(({ table }) => table),
    ];
    throw new StreamsError('CONFIG_INVALID', `the topology has no store "${name}": ${didYouMean(name, names)}`);
  }

  #globalTable(name: string): GlobalTableNode | undefined {
    return this.#layout.topology.globalTables.find(({ table }) => table === name);
  }

  async #globalRows(store: string, key?: Uint8Array): Promise<(readonly [Buffer, unknown])[]> {
    const answer = await this.#threads.askAny({ kind: 'global', store, ...(key === undefined ? {} : { key }) });
    if (answer.kind === 'failed') throw new StreamsError(answer.code, `the global table "${store}": ${answer.message}`);
    if (answer.kind !== 'global')
      throw new StreamsError('STORE_NOT_HERE', `the global table "${store}" is not read to its end yet: ask again`);
    return answer.rows.map(([keyBytes, value]) => [Buffer.from(keyBytes), value] as const);
  }

  #accessTo({ spec: { name: store }, tasks }: FoundStore, stale: boolean): StoreAccess {
    const ask = async (question: TaskQuestion): Promise<StoreAnswer> => {
      const answer = await this.#threads.askOwner(question);
      if (answer.kind === 'failed') throw new StreamsError(answer.code, answer.message, { taskId: question.taskId });
      if (answer.kind === 'absent') throw this.#notHere(store, question.taskId, answer.state);
      return answer;
    };
    return {
      taskOf: (keyBytes) => ownerAmong(tasks, keyBytes),
      tasksHere: () => this.#tasksHere(store, tasks, stale),
      get: async (id, key) => {
        const answer = await ask({ kind: 'get', taskId: id, store, stale, key: new Uint8Array(key) });
        return answer.kind === 'value' && answer.value !== null ? Buffer.from(answer.value) : undefined;
      },
      scan: async function* (id, { from, ...range }) {
        for (let at = from; ;) {
          const answer = await ask({ kind: 'scan', taskId: id, store, stale, from: at, ...range });
          if (answer.kind !== 'rows') return;
          for (const [key, value] of answer.rows) yield [Buffer.from(key), Buffer.from(value)];
          if (answer.next === undefined) return;
          at = answer.next;
        }
      },
      count: async (id) => {
        const answer = await ask({ kind: 'count', taskId: id, store, stale });
        return answer.kind === 'count' ? answer.count : 0;
      },
    };
  }

  /** Of this store's tasks. One that is here and cannot be read is an error: its rows would be missing in silence. */
  async #tasksHere(store: string, tasks: readonly TaskId[], stale: boolean): Promise<TaskId[]> {
    const answers = await this.#threads.askAll({ kind: 'tasks' });
    const here = answers
      .flatMap((answer) => (answer.kind === 'tasks' ? answer.tasks : []))
      .filter(({ id, role }) => tasks.includes(id) && (stale || role === 'ACTIVE'));
    const away = stale ? undefined : here.find(({ state }) => state !== 'RUNNING');
    if (away !== undefined) throw this.#notHere(store, away.id, away.state);
    if (here.length === 0)
      throw new StreamsError('STORE_NOT_HERE', `this instance has no partition of the store "${store}" at the moment`);
    return [...new Set(here.map(({ id }) => id))].sort(compareTaskIds);
  }

  #notHere(store: string, id: TaskId, state: string | undefined): StreamsError {
    const { partition } = parseTaskId(id);
    const { active, standbys } = ownersOfTask(this.#owners(), id);
    const at =
      state !== undefined
        ? `its task ${id} is ${state} here: ask again`
        : active === undefined
          ? `no instance is known that has it: ask again`
          : active === this.#instance
            ? `it is on its way to it: ask again`
            : `the instance ${active} has it` + (standbys.length === 0 ? '' : `, and ${standbys.join(', ')} a standby`);
    return new StreamsError(
      'STORE_NOT_HERE',
      `partition ${String(partition)} of the store "${store}" cannot be read in this instance: ${at}`,
      { taskId: id, partition },
    );
  }
}

function checkKind(name: string, kind: unknown, is: string): void {
  if (kind !== undefined && kind !== is)
    throw new StreamsError(
      'CONFIG_INVALID',
      `store("${name}"): it is a ${is} store, not one of the kind ${textOf(kind)}`,
    );
}

/** Keys lie in partitions as Kafka's partitioner puts them; a sub-topology has a task for each. */
function ownerAmong(tasks: readonly TaskId[], keyBytes: Buffer): TaskId {
  const { subTopology } = parseTaskId(tasks[0] ?? '0_0');
  return taskId(subTopology, partitionOf(keyBytes, tasks.length));
}
