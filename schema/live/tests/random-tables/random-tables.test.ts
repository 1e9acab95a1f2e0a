import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';

import { ask, checkQueries, positionsOf } from './answers.ts';
import { anyPaged, anyWatched, type Paged, type Watched } from './asked.ts';
import { DELETE_RETENTION_MS, FedInstance } from './fed-instance.ts';
import { pageText } from './operations.ts';
import { anyTable, describeRun, HOUR_MS, MINUTE_MS, type RandomTable, topicOf } from './random-table.ts';
import { anyRecord, BEGIN_MS, type Written } from './records.ts';
import { Subscriber, told } from './subscriber.ts';
import { Topic } from './topic.ts';

/*
 * Random tables, random records, two instances of the API that read at paces of their own and are started anew from
 * what compaction has left, clients that come and go between them: what a client holds after an update is what a
 * recount of the topic up to the update's cursor gives, and what queries give.
 *
 * RUNS: how many; SEED: of which cases; with CASE, the path that a failure names beside its seed, that one again.
 */

const RUNS = Number(process.env['RUNS'] ?? 20);
const SEED = Number(process.env['SEED'] ?? 1);

/** Longer than the interval of a subscription and a step of timers. */
const PASS_MS = 70;
/** Longer than a tick of an API's clock. */
const TICK_MS = 1_100;
/** Longer than an update waits for an instance that is behind its cursor. */
const BEHIND_MS = 5_100;

beforeEach(() => void jest.useFakeTimers({ now: BEGIN_MS }));
afterEach(() => void jest.useRealTimers());

type Side = 0 | 1;

type Step =
  | { readonly kind: 'write'; readonly records: readonly Written[]; readonly areRead: boolean }
  | { readonly kind: 'read'; readonly at: Side; readonly partitions: readonly number[]; readonly most: number }
  | { readonly kind: 'reread'; readonly at: Side; readonly partition: number }
  | { readonly kind: 'clean'; readonly behind: number; readonly withTombstones: boolean }
  | { readonly kind: 'restart'; readonly at: Side; readonly most: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'subscribe'; readonly at: Side; readonly asked: Watched }
  | { readonly kind: 'resume'; readonly at: Side; readonly client: number }
  | { readonly kind: 'leave'; readonly client: number }
  | {
      readonly kind: 'longAway';
      readonly at: Side;
      readonly deleted: readonly number[];
      readonly later: readonly Written[];
      readonly ms: number;
    }
  | { readonly kind: 'query'; readonly at: Side; readonly asked: Paged; readonly client: number };

interface Timed {
  readonly step: Step;
  /** Whether clients look at what has come. */
  readonly isLookedAt: boolean;
}

const side = fc.constantFrom<Side>(0, 1);
const kindOf = <Kind extends string>(kind: Kind) => fc.constant(kind);

function anyStep(table: RandomTable): fc.Arbitrary<Timed> {
  const client = fc.nat(5);
  const partitions = fc.subarray([0, 1, 2], { minLength: 1 });
  const step = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: kindOf('write'),
        records: fc.array(anyRecord(table), { minLength: 1, maxLength: 6, size: 'max' }),
        areRead: fc.constantFrom(true, true, false),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: kindOf('read'), at: side, partitions, most: fc.constantFrom(1, 2, 5, 1_000) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: kindOf('reread'), at: side, partition: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: kindOf('clean'), behind: fc.nat(3), withTombstones: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: kindOf('restart'), at: side, most: fc.constantFrom(0, 2, 1_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: kindOf('time'),
        ms: fc.constantFrom(20 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 26 * HOUR_MS, 30 * HOUR_MS),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: kindOf('subscribe'), at: side, asked: anyWatched(table) }) },
    { weight: 4, arbitrary: fc.record({ kind: kindOf('resume'), at: side, client }) },
    { weight: 1, arbitrary: fc.record({ kind: kindOf('leave'), client }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: kindOf('longAway'),
        at: side,
        deleted: fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
        later: fc.array(anyRecord(table), { maxLength: 2 }),
        ms: fc.constantFrom(HOUR_MS, 23.5 * HOUR_MS, 24.5 * HOUR_MS, 30 * HOUR_MS),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: kindOf('query'), at: side, asked: anyPaged(table), client }) },
  );
  return fc.record({ step, isLookedAt: fc.constantFrom(true, true, false) });
}

class World {
  readonly #table: RandomTable;
  readonly #topic: Topic;
  readonly #instances: [FedInstance, FedInstance];
  readonly #clients: Subscriber[] = [];

  constructor(table: RandomTable) {
    this.#table = table;
    this.#topic = new Topic(topicOf(table));
    this.#instances = [new FedInstance(table, this.#topic), new FedInstance(table, this.#topic)];
  }

  async begin(asked: readonly Watched[]): Promise<void> {
    await pass(PASS_MS);
    for (const instance of this.#instances) instance.readAll();
    for (const [at, one] of asked.entries()) await this.#subscribe(this.#instances[at % 2 === 0 ? 0 : 1], one);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'write':
        for (const record of step.records) this.#topic.add(record);
        if (step.areRead) for (const instance of this.#instances) instance.readAll();
        return;
      case 'read':
        return this.#instances[step.at].read(step.partitions, step.most);
      case 'reread':
        return this.#instances[step.at].reread(step.partition);
      case 'clean':
        return this.#clean(step.behind, step.withTombstones);
      case 'restart':
        return this.#restart(step.at, step.most);
      case 'time':
        jest.setSystemTime(Date.now() + step.ms);
        return pass(TICK_MS);
      case 'subscribe':
        return this.#subscribe(this.#instances[step.at], step.asked);
      case 'resume':
        return this.#clients[step.client]?.subscribe(this.#instances[step.at]);
      case 'leave':
        return this.#clients[step.client]?.leave();
      case 'longAway':
        return this.#longAway(step);
      case 'query':
        return this.#query(this.#instances[step.at], step.asked, this.#clients[step.client]?.cursor);
    }
  }

  async look(): Promise<void> {
    for (const client of this.#clients) client.ask();
    await pass(PASS_MS);
    for (const client of this.#clients) await client.look();
  }

  /** Everything is read, every client has looked at all that came, and then resumes at the other instance. */
  async end(): Promise<void> {
    for (const instance of this.#instances) instance.readAll();
    for (let round = 0; round < 2; round += 1) {
      for (let looks = 0; looks < 3; looks += 1) await this.look();
      for (const client of this.#clients) client.ask();
      await pass(BEHIND_MS);
      for (const client of this.#clients) client.checkStill();
      for (const client of this.#clients)
        await client.subscribe(this.#instances[client.isAt(this.#instances[0]) ? 1 : 0]);
    }
    await this.look();
    for (const instance of this.#instances) await checkQueries(this.#table, this.#topic, instance, { first: 3 });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.leave();
    for (const instance of this.#instances) await closed(instance);
  }

  async #subscribe(instance: FedInstance, asked: Watched): Promise<void> {
    const client = new Subscriber(this.#table, this.#topic, asked);
    this.#clients.push(client);
    await client.subscribe(instance);
  }

  /** What an instance follows is not cleaned before it has read it; what it copies may be. */
  #clean(behind: number, withTombstones: boolean): void {
    const readers = this.#instances.filter(({ isCaughtUp }) => isCaughtUp);
    const until = (partition: number): number =>
      Math.min(...readers.map((one) => one.readOf(partition)), this.#topic.endOf(partition)) - behind;
    this.#topic.clean(until, withTombstones && readers.length === 2 ? Date.now() - DELETE_RETENTION_MS : 0);
  }

  async #restart(at: Side, most: number): Promise<void> {
    const before = this.#instances[at];
    for (const client of this.#clients) if (client.isAt(before)) await client.leave();
    await closed(before);
    const instance = new FedInstance(this.#table, this.#topic);
    this.#instances[at] = instance;
    await pass(PASS_MS);
    if (most > 0) instance.read(this.#topic.partitions(), most);
  }

  /**
   * A client of all rows leaves, some are deleted, time passes, the cleaner takes the tombstones that are old enough,
   * and the client resumes at an instance that has never read them.
   */
  async #longAway({ at, deleted, later, ms }: Extract<Step, { kind: 'longAway' }>): Promise<void> {
    for (const instance of this.#instances) instance.readAll();
    await this.#subscribe(this.#instances[at], {});
    const client = this.#clients.at(-1);
    await this.look();
    await client?.leave();
    for (const nth of deleted) this.#topic.delete(nth);
    for (const instance of this.#instances) instance.readAll();
    jest.setSystemTime(Date.now() + ms);
    for (const record of later) this.#topic.add(record);
    for (const instance of this.#instances) instance.readAll();
    await pass(TICK_MS);
    this.#clean(0, true);
    await this.#restart(at, Number.POSITIVE_INFINITY);
    await client?.subscribe(this.#instances[at]);
  }

  /** `atLeast`: a cursor of any instance; one that is behind it refuses. */
  async #query(instance: FedInstance, asked: Paged, atLeast: string | undefined): Promise<void> {
    await checkQueries(this.#table, this.#topic, instance, asked);
    if (!instance.isCaughtUp || atLeast === undefined) return;
    const answer = ask(instance, pageText(this.#table), { atLeast });
    await pass(BEHIND_MS);
    const { data, errors } = await answer;
    const isBehind = Object.entries(positionsOf(atLeast)).some(
      ([partition, offset]) => instance.readOf(Number(partition)) < offset,
    );
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(isBehind ? ['NOT_READY'] : undefined);
    expect(data?.['thingsPage'] != null).toBe(!isBehind);
  }
}

async function closed(instance: FedInstance): Promise<void> {
  const closing = instance.api.close();
  await pass(PASS_MS);
  await closing;
}

async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}

const anyRun = anyTable.chain((table) =>
  fc.record({
    table: fc.constant(table),
    asked: fc.array(anyWatched(table), { minLength: 1, maxLength: 3 }),
    steps: fc.array(anyStep(table), { minLength: 15, maxLength: 40, size: 'max' }),
  }),
);

/** A failure, without the generators that are part of a table. */
const reporter = (details: fc.RunDetails<[{ table: RandomTable; asked: Watched[]; steps: Timed[] }]>) => {
  if (!details.failed) return;
  const { seed, counterexamplePath, counterexample, errorInstance } = details;
  const [run] = counterexample ?? [];
  const text = run === undefined ? '' : describeRun(run.table, { asked: run.asked, steps: run.steps });
  throw new Error(
    `seed ${String(seed)}, path ${String(counterexamplePath)}, after ${String(details.numRuns)} runs: ${text}`,
    { cause: errorInstance },
  );
};

test(`what clients of random tables hold is what queries and a recount give, ${String(RUNS)} runs`, async () => {
  await fc.assert(
    fc.asyncProperty(anyRun, async ({ table, asked, steps }) => {
      jest.setSystemTime(BEGIN_MS);
      const world = new World(table);
      try {
        await world.begin(asked);
        for (const { step, isLookedAt } of steps) {
          await world.take(step);
          if (isLookedAt) await world.look();
        }
        await world.end();
      } finally {
        await world.close();
      }
    }),
    {
      numRuns: RUNS,
      seed: SEED,
      ...(process.env['CASE'] === undefined ? {} : { path: process.env['CASE'] }),
      reporter,
    },
  );
  // Enough has happened: few runs would do by themselves, a generator gone wrong would not.
  if (RUNS >= 10) for (const count of Object.values(told)) expect(count).toBeGreaterThan(0);
});
