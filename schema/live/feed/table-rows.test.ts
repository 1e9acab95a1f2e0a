import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from '@jest/globals';
import { z } from 'zod';

import { createLiveModel } from '../tables/create-live-model.ts';
import { declareTables } from '../tables/declare-tables.ts';
import { table } from '../tables/table.ts';
import type { TablesModel } from '../tables/table-reads.ts';
import { releaseMemory } from './release-memory.ts';
import type { TableFeedOptions } from './table-feed.ts';
import { openTableRows, type TableRows } from './table-rows.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
let rows: TableRows | undefined;
afterEach(() => rows?.close());

/** A feed that is told what to say, and the names of what happened, in order. */
function opened(held: 'everywhere' | 'owner' = 'everywhere') {
  const happened: string[] = [];
  const things = table({ topic: 'things', key: { id: z.string() }, value: z.object({ n: z.int() }) });
  const model = createLiveModel({ applicationId: 'app', logger, tables: { things } }) as unknown as TablesModel;
  const asked = table({ store: 'asked', key: { id: z.string() }, value: z.object({ n: z.int() }), held });
  const problems: string[] = [];
  const tables = declareTables({ asked }, problems);
  expect(problems).toEqual([]);
  const given: { feed?: TableFeedOptions } = {};
  rows = openTableRows({
    connection: { brokers: ['127.0.0.1:9'], clientId: 'test' },
    logger,
    model,
    tables,
    onFatal: () => undefined,
    release: () => happened.push(model.tableState.caughtUpOnce ? 'released late' : 'released'),
    openFeed: (feed) => {
      given.feed = feed;
      return {
        state: () => model.tableState,
        positions: () => new Map(),
        sources: () => new Map(),
        caughtUpAtMs: () => null,
        close: () => Promise.resolve(),
      };
    },
  });
  const { feed } = given;
  if (feed === undefined) throw new Error('no feed was opened');
  const write = (count: number): unknown =>
    feed.onChanges(
      Array.from({ length: count }, (_, offset) => ({
        topic: 'things',
        partition: 0,
        offset,
        timestampMs: 1,
        key: Buffer.from(`k${offset}`),
        value: Buffer.from('{"n":1}'),
      })),
    );
  const say = (caughtUpOnce: boolean): void => feed.onState({ caughtUpOnce, complete: caughtUpOnce, reason: null });
  return { happened, write, say };
}

test('memory is given back when many rows have been copied and before they are served, and not again', () => {
  const { happened, write, say } = opened();
  write(20_000);
  say(false);
  expect(happened).toEqual(['released']);
  write(20_001);
  for (let times = 0; times < 3; times++) say(true);
  expect(happened).toEqual(['released', 'released']);
  write(80_000);
  expect(happened).toEqual(['released', 'released']);
});

test('while rows are copied, memory is given back each time that they are half as many again', () => {
  const { happened, write } = opened();
  const after = [19_999, 20_000, 29_999, 30_000, 30_001, 45_000].map((rows) => {
    write(rows);
    return [rows, happened.length];
  });
  expect(after).toEqual([
    [19_999, 0],
    [20_000, 1],
    [29_999, 1],
    [30_000, 2],
    [30_001, 2],
    [45_000, 3],
  ]);
});

test('what was given back is not given back again where no row has come since', () => {
  const { happened, write, say } = opened();
  write(20_000);
  say(true);
  expect(happened).toEqual(['released']);
});

test('rows of an owner table may be asked for while others are copied: nothing stops the process then', () => {
  const { happened, write, say } = opened('owner');
  write(20_000);
  write(30_000);
  say(true);
  expect(happened).toEqual([]);
});

test('few rows leave nothing behind that is worth a collection', () => {
  const { happened, write, say } = opened();
  write(100);
  say(true);
  write(20_000);
  say(true);
  expect(happened).toEqual([]);
});

test.each([false, true])('what is not used any more is given back; started with --expose-gc: %s', async (isGiven) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  if (!isGiven) setFlagsFromString('--no-expose-gc');
  try {
    const held = new WeakRef({ any: 'object' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    releaseMemory(isGiven ? { gc } : {});
    expect(held.deref()).toBeUndefined();
    expect(runInNewContext('typeof gc')).toBe(isGiven ? 'function' : 'undefined');
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
});
