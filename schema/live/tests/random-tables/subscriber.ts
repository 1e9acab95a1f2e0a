import { expect } from '@jest/globals';
import { parse, subscribe } from 'graphql';

import type { Watched } from './asked.ts';
import { asJson, checkPageHolds, positionsOf } from './answers.ts';
import type { FedInstance } from './fed-instance.ts';
import { subscriptionText } from './operations.ts';
import type { RandomTable } from './random-table.ts';
import { recounted, shownRow, watched } from './recount.ts';
import type { Topic } from './topic.ts';

interface Update {
  readonly kind: 'SNAPSHOT' | 'DELTA';
  readonly cursor: string;
  readonly more: boolean;
  readonly removed: readonly string[];
  readonly rows: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
}

interface Received {
  /** Of the operation; or why there is none. */
  readonly result: unknown;
  /** The clock when it was made. */
  readonly atMs: number;
}

/** What clients were told, so that a run in which nothing happens is no proof. */
export const told = { rows: 0, removed: 0, resumed: 0, snapshots: 0 };

/** A client of a subscription: what it holds is what its updates say. */
export class Subscriber {
  readonly asked: Watched;
  readonly #table: RandomTable;
  readonly #topic: Topic;
  readonly #held = new Map<string, unknown>();
  #instance: FedInstance | null = null;
  #iterator: AsyncIterator<unknown> | null = null;
  #isAsking = false;
  /** Nothing has come of this subscription yet. */
  #isNew = true;
  #received: Received | null = null;
  #cursor: string | undefined;

  constructor(table: RandomTable, topic: Topic, asked: Watched) {
    this.#table = table;
    this.#topic = topic;
    this.asked = asked;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Subscribes, or resumes at another instance; one that has no copy yet refuses. */
  async subscribe(instance: FedInstance): Promise<void> {
    await this.leave();
    const results = await subscribe({
      schema: instance.api.schema,
      document: parse(subscriptionText(this.#table)),
      variableValues: asJson({ ...this.asked, after: this.#cursor }),
      contextValue: {},
    });
    if (!(Symbol.asyncIterator in results)) {
      expect(instance.isCaughtUp).toBe(false);
      expect(results.errors?.map(({ extensions }) => extensions['code'])).toEqual(['NOT_READY']);
      return;
    }
    this.#isNew = true;
    this.#instance = instance;
    this.#iterator = results[Symbol.asyncIterator]();
  }

  /** Goes away, with what it has not looked at. */
  async leave(): Promise<void> {
    const iterator = this.#iterator;
    this.#instance = this.#iterator = this.#received = null;
    this.#isAsking = false;
    await iterator?.return?.();
  }

  isAt(instance: FedInstance): boolean {
    return this.#instance === instance;
  }

  /** Asks for the next update, where it is not waiting for one already. */
  ask(): void {
    const iterator = this.#iterator;
    if (iterator === null || this.#isAsking) return;
    this.#isAsking = true;
    const receive = (result: unknown): void => {
      if (this.#iterator === iterator) this.#received = { result, atMs: Date.now() };
    };
    iterator.next().then(({ value }: IteratorResult<unknown>) => receive(value), receive);
  }

  /** Looks at the update that has come; without one, all must be as it was. */
  async look(): Promise<void> {
    const instance = this.#instance;
    if (instance === null || !this.#isAsking) return;
    if (this.#received === null) return;
    const { result, atMs } = this.#received;
    const update = updateOf(result);
    this.#received = null;
    this.#isAsking = false;
    this.#take(update);
    expect(this.#rows()).toEqual(this.#wanted(positionsOf(update.cursor), atMs));
    await checkPageHolds(this.#table, instance, this.asked, update.cursor, this.#rows());
  }

  /** Where nothing has come for a while, what it holds is what the instance has now. */
  checkStill(): void {
    const instance = this.#instance;
    if (instance === null || !this.#isAsking || this.#received !== null || this.#cursor === undefined) return;
    const positions = Object.fromEntries(this.#topic.partitions().map((one) => [one, instance.readOf(one)]));
    expect(this.#rows()).toEqual(this.#wanted(positions, Date.now()));
  }

  #take({ kind, cursor, more, removed, rows }: Update): void {
    told.rows += kind === 'DELTA' ? rows.length : 0;
    told.removed += removed.length;
    told.snapshots += kind === 'SNAPSHOT' && this.#cursor !== undefined ? 1 : 0;
    told.resumed += kind === 'DELTA' && this.#isNew ? 1 : 0;
    this.#isNew = false;
    // There are far fewer rows than a part of a snapshot has.
    expect(more).toBe(false);
    if (kind === 'SNAPSHOT') {
      expect(removed).toEqual([]);
      this.#held.clear();
    }
    for (const id of removed) {
      expect([...this.#held.keys()]).toContain(id);
      this.#held.delete(id);
    }
    expect(new Set([...removed, ...rows.map(({ id }) => id)]).size).toBe(removed.length + rows.length);
    for (const row of rows) this.#held.set(row.id, row);
    this.#cursor = cursor;
  }

  #rows(): unknown[] {
    return sorted([...this.#held.values()]);
  }

  #wanted(positions: Readonly<Record<number, number>>, nowMs: number): unknown[] {
    const rows = recounted(this.#table, this.#topic, positions, nowMs);
    return sorted(watched(this.#table, rows, this.asked, nowMs).map((row) => shownRow(this.#table, row)));
  }
}

function updateOf(result: unknown): Update {
  if (result instanceof Error) throw result;
  const { data, errors } = asJson(result) as { readonly data?: { readonly things: Update }; readonly errors?: unknown };
  expect(errors).toBeUndefined();
  if (data === undefined) throw new Error('the subscription has ended by itself');
  return data.things;
}

function sorted(rows: unknown[]): unknown[] {
  return rows.sort((a, b) => Buffer.compare(idBytes(a), idBytes(b)));
}

function idBytes(row: unknown): Buffer {
  return Buffer.from((row as { readonly id: string }).id);
}
