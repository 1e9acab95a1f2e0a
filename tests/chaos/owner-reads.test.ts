import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLiveApi, type ListeningApi, table } from '@tributary/graphql';
import { z } from 'zod';
import { postGraphql, SILENT_LOGGER } from '../support/api-under-test.ts';
import type { AppProcess } from '../support/app-process.ts';
import { reportFigure, seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { RUNNING, runningTopic, type Running } from '../support/echo-topology.ts';
import { HeldRows, type HeldRow, type HeldUpdate } from '../support/held-rows.ts';
import { sharedBroker, type SharedBroker } from '../support/shared-broker.ts';
import { readTopic } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';

/*
 * Rows with held: 'owner' while their owners are killed, restored and moved: an answer never holds what was not
 * committed, never goes back for one client with `atLeast`, and a subscription never misses a change.
 */

const { steps, keys } = sized({ short: { steps: 3, keys: 60 }, full: { steps: 40, keys: 2_000 } });
const MOST_PROCESSORS = 3;
const TOKEN = 'a token of the test';
const KEYS_AT_ONCE = 20;
/** Between two questions of a client: the processors have the same cores. */
const ASK_EVERY_MS = 20;
const FIELDS = 'key count sum min max';
let broker: SharedBroker;

beforeAll(async () => {
  broker = await sharedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => broker.leave());

const number = z.int();
const RunningRow = z.object({ count: number, sum: number, min: number, max: number });

type Seen = Running & { readonly key: string };

const textOf = ({ key, count, sum, min, max }: Seen): string => [key, count, sum, min, max].join(' ');

/** An API over the store that holds an aggregate of each key. */
async function ownersApi(run: EchoRun): Promise<ListeningApi> {
  const running = table({ store: RUNNING, key: { key: z.string() }, value: RunningRow, held: 'owner' });
  const api = createLiveApi({
    applicationId: run.applicationId,
    connection: broker.connection,
    logger: SILENT_LOGGER,
    tables: { running },
    owner: { token: TOKEN },
  });
  return api.listen();
}

/** All that was ever answered, and what is wrong with it. */
class Answers {
  readonly problems: string[] = [];
  readonly seen = new Set<string>();
  readonly counts = { answers: 0, notReady: 0, stale: 0, updates: 0 };

  /** `before`: the newest count that the client has seen of the row, and whether it may come again. */
  check(who: string, row: Seen, before: number, mayRepeat: boolean): void {
    this.seen.add(textOf(row));
    if (row.count < before || (row.count === before && !mayRepeat))
      this.problems.push(`${who}: ${row.key} had ${String(before)}, and then ${String(row.count)}`);
  }
}

/** One client that asks for some keys again and again, with the cursor of its last answer, at one API after another. */
async function askOn(
  name: string,
  names: readonly string[],
  apis: readonly ListeningApi[],
  answers: Answers,
  signal: AbortSignal,
): Promise<void> {
  const query = `query ($keys: [String!]!, $atLeast: Cursor) { rows: runningByKeys(keys: $keys, atLeast: $atLeast) {
    ${FIELDS} freshness { cursor complete } } }`;
  const counts = new Map<string, number>();
  let atLeast: string | null = null;
  for (let turn = 0; !signal.aborted; turn += 1, await sleep(ASK_EVERY_MS)) {
    const url = apis[turn % apis.length]?.url ?? '';
    const { data, codes } = await postGraphql(url, { query, variables: { keys: names, atLeast } });
    if (data?.['rows'] === undefined) {
      if (codes.some((code) => code !== 'NOT_READY')) answers.problems.push(`${name}: ${JSON.stringify(codes)}`);
      answers.counts.notReady += 1;
      continue;
    }
    type Row = Seen & { readonly freshness: { readonly cursor: string; readonly complete: boolean } };
    const rows = data['rows'] as readonly (Row | null)[];
    answers.counts.answers += 1;
    for (const row of rows) {
      if (row === null) continue;
      answers.check(name, row, counts.get(row.key) ?? 0, true);
      counts.set(row.key, row.count);
      atLeast = row.freshness.cursor;
      if (!row.freshness.complete) answers.counts.stale += 1;
    }
    for (const key of counts.keys())
      if (!rows.some((row) => row?.key === key)) answers.problems.push(`${name}: ${key} is gone`);
  }
}

/** A client that holds some rows by a subscription, which it resumes at one API after another. */
function holdOn(name: string, args: string, apis: readonly ListeningApi[], answers: Answers): HeldRows {
  const counts = new Map<string, number>();
  let turn = 0;
  const onUpdate = ({ kind, rows, removed }: HeldUpdate, before: ReadonlyMap<string, HeldRow>): void => {
    answers.counts.updates += 1;
    for (const id of removed) answers.problems.push(`${name}: ${id} was removed`);
    for (const row of rows as readonly (HeldRow & Seen)[]) {
      answers.check(name, row, counts.get(row.key) ?? 0, kind === 'SNAPSHOT' || !before.has(row.id));
      counts.set(row.key, row.count);
    }
  };
  return new HeldRows(() => apis[turn++ % apis.length]?.url ?? '', 'running', FIELDS, args, onUpdate);
}

/** What the application has committed of each key, all along and in the end. */
async function committedOf(run: EchoRun): Promise<{ readonly all: Set<string>; readonly last: Map<string, Seen> }> {
  const all = new Set<string>();
  const last = new Map<string, Seen>();
  for (const { key, value } of (await readTopic(broker.connection, runningTopic(run.input))).partitions.flat()) {
    const row = { key: String(key), ...(JSON.parse(String(value)) as Running) };
    all.add(textOf(row));
    last.set(row.key, row);
  }
  return { all, last };
}

test(
  `owners are killed and moved ${String(steps)} times: no answer is uncommitted or goes back, no change is missed ` +
    `(seed ${String(seed)})`,
  async () => {
    const config = { numStandbyReplicas: 1 };
    const run = await EchoRun.open({ connection: broker.connection, name: 'owner-reads', seed, keys, config });
    const start = (): Promise<AppProcess> => run.start({ QUERY_TOKEN: TOKEN });
    const apis = [await ownersApi(run), await ownersApi(run)];
    const answers = new Answers();
    const stopAsking = new AbortController();
    const held: HeldRows[] = [];
    const asking: Promise<void>[] = [];
    try {
      const apps = [await start(), await start()];
      const flow = run.flow();
      for (const app of apps) await app.untilReady();
      const names = Array.from({ length: keys }, (_, key) => `key-${String(key)}`);
      const some = names.slice(0, KEYS_AT_ONCE);
      held.push(
        holdOn('by keys', `keys: ${JSON.stringify(some)}`, apis, answers),
        holdOn('one key', `keys: ["key-7"]`, apis, answers),
        holdOn('a range', `range: { prefix: "key-1" }`, apis.toReversed(), answers),
      );
      for (const name of ['first', 'second']) asking.push(askOn(name, some, apis, answers, stopAsking.signal));
      const taken: string[] = [];
      for (let step = 0; step < steps; step += 1) {
        await run.goesOn();
        const before = { ...answers.counts };
        const joins = apps.length === 1 || (apps.length < MOST_PROCESSORS && run.random.below(2) === 0);
        if (joins) {
          apps.push(await start());
          taken.push('start');
        } else {
          const [leaver] = apps.splice(run.random.below(apps.length), 1);
          const isKilled = step % 2 === 0;
          if (isKilled) await leaver?.kill();
          else await leaver?.stop();
          taken.push(isKilled ? 'kill -9' : 'SIGTERM');
        }
        const { answers: answered, updates } = before;
        await until(
          () => answers.counts.answers > answered + 10 && answers.counts.updates > updates + 10,
          () => `clients are served after ${taken.join(', ')}: ${JSON.stringify(answers.counts)}`,
        );
      }
      await run.goesOn();
      await flow.stop();
      await run.settled();
      const { all, last } = await committedOf(run);
      const expected = (wanted: (key: string) => boolean): string[] =>
        [...last.values()]
          .filter(({ key }) => wanted(key))
          .map(textOf)
          .sort();
      const wants = [
        (key: string) => some.includes(key),
        (key: string) => key === 'key-7',
        (key: string) => key.startsWith('key-1'),
      ];
      for (const [at, rows] of held.entries()) {
        const right = expected(wants[at] as (key: string) => boolean);
        const now = (): string[] => [...rows.rows.values()].map((row) => textOf(row as HeldRow & Seen)).sort();
        await until(
          () => JSON.stringify(now()) === JSON.stringify(right),
          () => `subscriber ${String(at)} holds what was committed: ${JSON.stringify({ right, now: now() })}`,
        );
      }
      stopAsking.abort();
      await Promise.all(asking);
      const uncommitted = [...answers.seen].filter((row) => !all.has(row));
      expect({ seed, problems: answers.problems, uncommitted }).toEqual({ seed, problems: [], uncommitted: [] });
      expect(await run.verdict()).toEqual([]);
      reportFigure({
        fault: `owners killed, stopped and moved under reads: ${taken.join(', ')}`,
        asked: 'no answer uncommitted, none goes back with atLeast, no subscribed change missed',
        measured:
          `0 of either in ${String(answers.counts.answers)} answers for ${String(KEYS_AT_ONCE)} keys and ` +
          `${String(answers.counts.updates)} updates; ${String(answers.counts.stale)} rows came from standbys, ` +
          `${String(answers.counts.notReady)} answers were NOT_READY`,
      });
    } finally {
      stopAsking.abort();
      await Promise.allSettled(asking);
      for (const rows of held) await rows.close();
      for (const api of apis) await api.close();
      await run.close();
    }
  },
  timeLimit(60_000 + 30_000 * steps),
);
