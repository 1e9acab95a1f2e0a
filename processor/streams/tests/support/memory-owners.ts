import { connectOwners } from '../../queries/connect-owners.ts';
import type { ListenerLimits } from '../../queries/listener-connection.ts';
import { OwnedRows, type OwnedStore } from '../../queries/owned-rows.ts';
import { OwnerAnswers } from '../../queries/owner-answers.ts';
import type { OwnerReads, OwnersOptions } from '../../queries/owner-reads.ts';
import { QueryListener } from '../../queries/query-listener.ts';
import type { TaskQuestion } from '../../queries/store-question.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import type { StateStore, StoreBatch } from '../../store/state-store.ts';
import type { InstanceStatus, TaskStatus } from '../../task/instance-status.ts';
import { TaskLayout } from '../../task/task-layout.ts';
import { jsonSerde } from '../../topology/serdes.ts';
import type { SubTopology, Topology } from '../../topology/topology.ts';

type Address = { host: string; port: number };
type Changes = readonly (readonly [string, string | null])[];

const PARTITIONS = 2;
const INSTANCES = 2;
const STORES = [
  { name: 'totals', kind: 'key-value', serde: jsonSerde<unknown>() },
  { name: 'unlogged', kind: 'key-value', serde: jsonSerde<unknown>(), changelog: false },
];
const LAYOUT = new TaskLayout(
  {
    nodes: [],
    subTopologies: [
      { id: 0, nodes: [], sources: [{ topic: 'in' }], stores: STORES, writesGroupings: [] } as unknown as SubTopology,
    ],
    globalTables: [],
    describe: () => '',
  } satisfies Topology,
  'app',
  () => PARTITIONS,
);

/** Where the tasks of one partition are. */
interface Place {
  active: number | undefined;
  standby: number | undefined;
  /** As the statuses say. */
  told: { active: number | undefined; standby: number | undefined };
}

/**
 * Two instances with query listeners over stores in memory, and one who asks them. Partitions are held by hand: at
 * first instance 0 has the active tasks and instance 1 their standbys.
 */
export class MemoryOwners {
  readonly options: OwnersOptions;
  readonly reads: OwnerReads;
  readonly addresses: [Address, Address] = [
    { host: '', port: 0 },
    { host: '', port: 0 },
  ];
  /** Of connections, in the words of the log. */
  readonly refusals: string[] = [];
  /** Up to this offset the changelogs hold no committed record that is not in the rows. */
  emptyUpTo = 0;
  readonly #token: string;
  readonly #limits: Partial<ListenerLimits>;
  readonly #listeners: (QueryListener | undefined)[] = [];
  readonly #advertised: Address[] = [];
  readonly #places: Place[] = Array.from({ length: PARTITIONS }, () => ({
    active: 0,
    standby: 1,
    told: { active: 0, standby: 1 },
  }));
  readonly #stores = new Map<string, StateStore>();
  readonly #log: StoreBatch[][] = Array.from({ length: PARTITIONS }, () => []);

  private constructor(token: string, limits: Partial<ListenerLimits>) {
    this.#token = token;
    this.#limits = limits;
    this.options = {
      token,
      instances: () => this.#statuses(),
      subTopologyOf: (store) => (STORES.some(({ name }) => name === store) ? 0 : undefined),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    };
    this.reads = connectOwners(this.options);
  }

  static async start(token: string, limits: Partial<ListenerLimits> = {}): Promise<MemoryOwners> {
    const owners = new MemoryOwners(token, limits);
    for (let instance = 0; instance < INSTANCES; instance += 1) await owners.restart(instance);
    return owners;
  }

  /** Begins to listen, or again at the same port. */
  async restart(instance: number): Promise<void> {
    const port = this.#advertised[instance]?.port ?? 0;
    const rows = new OwnedRows((question) => this.#ownedStore(instance, question));
    const listener = new QueryListener(
      { host: '127.0.0.1', port, token: this.#token },
      new OwnerAnswers({
        layout: LAYOUT,
        threads: {
          askOwner: async (question) =>
            (question.kind === 'owned' ? await rows.answer(structuredClone(question)) : undefined) ?? {
              kind: 'absent',
              state: undefined,
            },
        },
        owners: () => ({
          instances: ['instance-0', 'instance-1'],
          active: Object.fromEntries(
            this.#places.flatMap(({ active }, partition) =>
              active === undefined ? [] : [[`0_${String(partition)}`, active]],
            ),
          ),
          standbys: {},
        }),
        gaps: { isEmpty: async (_changelog, _from, to) => to <= this.emptyUpTo },
      }),
      {
        ...this.options.logger,
        warn: (fields) => void this.refusals.push(String((fields as { readonly reason?: unknown }).reason)),
      },
      this.#limits,
    );
    this.#listeners[instance] = listener;
    this.#advertised[instance] = await listener.start();
    this.addresses[instance as 0 | 1] = this.#advertised[instance];
  }

  async stop(instance: number): Promise<void> {
    await this.#listeners[instance]?.close();
    this.#listeners[instance] = undefined;
  }

  /** What its status says, whatever is true. */
  advertise(instance: number, address: Address): void {
    this.#advertised[instance] = address;
  }

  /** Each change is a record of the changelog. Returns the position behind it. */
  async commit(partition: number, changes: Changes): Promise<number> {
    const active = this.#places[partition]?.active ?? 0;
    await this.#apply(active, partition);
    const log = this.#log[partition] ?? [];
    const position = (log.at(-1)?.changelogOffsets.get(changelog(partition)) ?? 0) + changes.length;
    log.push({
      changes: changes.map(([key, value]) => ({
        store: 'totals',
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      })),
      changelogOffsets: new Map([[changelog(partition), position]]),
      inputOffsets: new Map(),
    });
    await this.#apply(active, partition);
    return position;
  }

  /** The standby of this partition, where there is one, reads its changelog to the end. */
  async follow(partition: number): Promise<void> {
    await this.#apply(1, partition);
  }

  hold(partition: number, held: 'active' | 'standby' | 'nobody'): void {
    const place = this.#placeOf(partition);
    place.active = held === 'active' ? 0 : undefined;
    place.standby = held === 'nobody' ? undefined : 1;
    place.told = { active: place.active, standby: place.standby };
  }

  /** This instance has the active task from now on, and nobody a standby. */
  take(partition: number, instance: number, { inStatus = true } = {}): void {
    const place = this.#placeOf(partition);
    place.active = instance;
    place.standby = undefined;
    if (inStatus) place.told = { active: place.active, standby: place.standby };
  }

  async close(): Promise<void> {
    this.reads.close();
    for (let instance = 0; instance < INSTANCES; instance += 1) await this.stop(instance);
  }

  #placeOf(partition: number): Place {
    const place = this.#places[partition];
    if (place === undefined) throw new RangeError(`there is no partition ${String(partition)}`);
    return place;
  }

  /** Brings the store of this instance to the end of the changelog. */
  async #apply(instance: number, partition: number): Promise<void> {
    const store = this.#storeOf(instance, partition);
    const at = (): number => store.offsets().changelog.get(changelog(partition)) ?? 0;
    for (const batch of this.#log[partition] ?? [])
      if ((batch.changelogOffsets.get(changelog(partition)) ?? 0) > at()) await store.commit(batch);
  }

  #storeOf(instance: number, partition: number): StateStore {
    const id = `${String(instance)} ${String(partition)}`;
    const store = this.#stores.get(id) ?? openMemoryStore();
    this.#stores.set(id, store);
    return store;
  }

  #ownedStore(instance: number, { taskId, stale: allowStale, store: name }: TaskQuestion): OwnedStore | undefined {
    const partition = Number(taskId.slice(2));
    const { active, standby } = this.#placeOf(partition);
    const stale = active !== instance;
    const found = LAYOUT.changelogsOf(taskId).find((one) => one.store === name);
    if (found === undefined || (stale && !(allowStale && standby === instance))) return undefined;
    return { store: this.#storeOf(instance, partition), changelog: found, serde: jsonSerde<unknown>(), stale };
  }

  #statuses(): InstanceStatus[] {
    return this.#advertised.map((queryAddress, instance) => ({
      id: `instance-${String(instance)}`,
      applicationId: 'app',
      guarantee: 'exactly_once',
      topology: '',
      host: 'here',
      startedAtMs: 0,
      reportedAtMs: 0,
      threads: 1,
      recordsPerSecond: 0,
      queryAddress,
      tasks: this.#places.flatMap(({ told }, partition) =>
        (['ACTIVE', 'STANDBY'] as const).flatMap((role): TaskStatus | readonly [] =>
          (role === 'ACTIVE' ? told.active : told.standby) === instance
            ? { id: `0_${String(partition)}`, role, state: 'RUNNING', inputs: [], lag: 0 }
            : [],
        ),
      ),
    }));
  }
}

function changelog(partition: number): string {
  return `app-totals-changelog-${String(partition)}`;
}
