import type { Mutation } from '../support/mutant.ts';

/*
 * Mistakes in the graph of a topology and at its edges: each makes a number wrong in silence. The cheapest suite that
 * notices is the judge; none of them needs a broker.
 */

const TOPOLOGY = 'processor/streams/topology';
const CHECKS = `${TOPOLOGY}/topology-checks.test.ts`;
const VALUES = `${TOPOLOGY}/own-values.test.ts`;
const PARTIALS = `${TOPOLOGY}/compile/repartition-source.test.ts`;
const KEYS = `${TOPOLOGY}/keys-and-times.test.ts`;
const USER_CODE = `${TOPOLOGY}/user-code.test.ts`;
const STREAM_JOINS = 'processor/streams/tests/contract/stream-joins.model.test.ts';
const NULLS = `${TOPOLOGY}/null-values.test.ts`;
const FOREIGN_KEYS = `${TOPOLOGY}/foreign-key-join.test.ts`;
const WINDOWS_BY_MODEL = `${TOPOLOGY}/windows-by-model.test.ts`;
const HELD_BACK_TIMES = 'processor/streams/topology/held-back-times.test.ts';
const STEP_TIMES = 'processor/streams/task/step-times.test.ts';
const ANY_TOPOLOGY = 'tests/contract/random-topologies.test.ts';

/** A mistake, the file of tests that must notice it, and the test that goes red. */
export interface JudgedMutation extends Mutation {
  readonly judge: string;
  readonly red: RegExp;
}

export const TOPOLOGY_MUTATIONS: readonly JudgedMutation[] = [
  {
    name: 'a partial is addressed to the store declared first, and dropped where there is none of that name',
    edits: [
      {
        mark: 'merges-of-each-store',
        replace: 'if (merges.length === 1) byStore.set(node.store.name, { key: node.key, merges, leavesBytes });',
      },
      { mark: 'unknown-store', replace: 'if (found === undefined) return;' },
    ],
    judge: PARTIALS,
    red: /what was sent by .* arrives/,
  },
  {
    name: 'a release may change which tables share partials',
    edits: [{ mark: 'partials-signed', replace: '...[]' }],
    judge: `${TOPOLOGY}/signature.test.ts`,
    red: /share partials/,
  },
  {
    name: 'what something else wrote into a repartition topic is passed over',
    edits: [{ mark: 'report-of-a-source', condition: 'false' }],
    judge: PARTIALS,
    red: /a time report of a task/,
  },
  {
    name: 'one partial is merged into several windows',
    edits: [
      {
        mark: 'partial-of-each-window',
        replace:
          'const nextValue: NextValue<unknown> = (value, part, key, at) => add(value ?? empty(), part, key, at);',
      },
    ],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'a reduce adds into the value that others read',
    edits: [{ mark: 'own-sum', replace: 'return next;' }],
    judge: VALUES,
    red: /may change what a decoder answers/,
  },
  {
    name: 'readers of one stream share its values',
    edits: [{ mark: 'shared-values', condition: 'isShared(node, nodes)' }],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'an aggregation is given the value itself although others read it afterwards',
    edits: [{ mark: 'kept-before-readers', replace: 'return false;' }],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'the readers of a stream are called the last one first',
    edits: [
      {
        mark: 'declared-order',
        replace: 'const emits = readers.map(({ emit }) => emit).filter((emit) => emit !== emitNothing).reverse();',
      },
    ],
    judge: `${TOPOLOGY}/stream-table-join.test.ts`,
    red: /has the record already/,
  },
  {
    name: 'toStream tells of the object that the store is about to write',
    edits: [{ mark: 'own-row', replace: 'return row;' }],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'empty() is taken for a new value each time',
    edits: [{ mark: 'own-empty', replace: 'return () => first ?? pristine;' }],
    judge: ANY_TOPOLOGY,
    red: /random topologies/,
  },
  {
    name: 'a processor changes a row without put',
    edits: [
      {
        mark: 'own-view',
        replace: "return kind === 'window' ? runtime.windowStore(name) : runtime.keyValueStore(name);",
      },
    ],
    judge: VALUES,
    red: /only put changes the store/,
  },
  {
    name: 'two stores of one name and kind are one',
    edits: [{ mark: 'two-stores-of-a-name', condition: 'known.spec.kind !== spec.kind' }],
    judge: CHECKS,
    red: /one store name declared by/,
  },
  {
    name: 'keys are counted over topics of other partition counts',
    edits: [{ mark: 'equal-counts', condition: 'counted.length > 0' }],
    judge: `${TOPOLOGY}/copartitioning.test.ts`,
    red: /is refused, at the start and in the driver/,
  },
  {
    name: 'a stream of another builder is merged, and read by nobody',
    edits: [{ mark: 'one-builder', condition: '!(other instanceof KStreamImpl) || graph === undefined' }],
    judge: CHECKS,
    red: /a stream of another builder/,
  },
  {
    name: 'branch asks every predicate',
    edits: [
      {
        mark: 'first-branch',
        replace: 'branch = branches[calls.map((predicate) => isTruthy(predicate(value, key, at))).indexOf(true)];',
      },
    ],
    judge: CHECKS,
    red: /at most once a record/,
  },
  {
    name: 'options that nobody knows are ignored',
    edits: [{ mark: 'known-options', condition: 'known.length === 0' }],
    judge: 'processor/streams/options.test.ts',
    red: /CONFIG_INVALID, and named/,
  },
  {
    name: 'windows expire before they are sealed',
    edits: [
      { mark: 'flush', after: 'const expired = await this.#stores.expire(() => this.streamTimeMs());' },
      {
        mark: 'expire-after-flush',
        replace:
          'const isOld = (key: Buffer) => !changes.some((change) => change.key.equals(key));' +
          'const { isLeft } = expired;' +
          'const tombstones = expired.tombstones.filter(({ key }) => isOld(key));',
      },
    ],
    judge: `${TOPOLOGY}/window-expiry.test.ts`,
    red: /in the changelog before its tombstone/,
  },
  {
    name: 'late records of a local aggregation are told to nobody',
    edits: [
      {
        mark: 'tell-late',
        replace:
          'const update = compileUpdate(node, runtime, { ...targets, late: () => {} }, { nextValue, lateValue });',
      },
    ],
    judge: `${TOPOLOGY}/window-expiry.test.ts`,
    red: /told by late/,
  },
  {
    name: 'bytes that are no text become text',
    edits: [{ mark: 'text-only', replace: 'return text;' }],
    judge: KEYS,
    red: /groupByKey: a dead letter/,
  },
  {
    name: 'halves of surrogate pairs are keys',
    edits: [{ mark: 'well-formed', condition: 'key.length < 0' }],
    judge: KEYS,
    red: /is refused by stores/,
  },
  {
    name: 'any number is an event time',
    edits: [
      {
        mark: 'event-time',
        replace: "return typeof timeMs === 'number' && Math.abs(timeMs) <= LATEST_MS ? timeMs : NaN;",
      },
    ],
    judge: KEYS,
    red: /is a dead letter, or dropped and counted/,
  },
  {
    name: 'a promise is true',
    edits: [{ mark: 'no-promise', replace: '' }],
    judge: USER_CODE,
    red: /async filter/,
  },
  {
    name: 'a record without a key is dropped and not counted',
    edits: [{ mark: 'count-null-key', replace: 'if (isNoKey(selected)) return;' }],
    judge: USER_CODE,
    red: /drops the record, and it is counted/,
  },
  {
    name: 'null values are counted by tables without windows, behind a shuffle',
    edits: [{ mark: 'skip-nulls', condition: 'false' }],
    judge: NULLS,
    red: /behind a shuffle/,
  },
  {
    name: 'null values are counted by tables without windows, in the task of the source',
    edits: [{ mark: 'skip-null-values', condition: 'windows !== null' }],
    judge: NULLS,
    red: /in the task of the source/,
  },
  {
    name: 'a filter tells of rows that were never there, although it knows',
    edits: [{ mark: 'filter-unknown-rows', replace: '' }],
    judge: `${TOPOLOGY}/ktable.test.ts`,
    red: /rows that no longer pass/,
  },
  {
    name: 'a filter of a table without a name tells a left join of rows that were never there',
    edits: [{ mark: 'needed-by-a-join', replace: '' }],
    judge: `${TOPOLOGY}/knows-before.test.ts`,
    red: /tells a left join/,
  },
  {
    name: 'a join of streams keeps records that its side has left behind until the next commit',
    edits: [
      {
        mark: 'kept-by-own-time',
        replace: 'const found = others.fetch(key, at - reach.beforeMs, at + reach.afterMs);',
      },
    ],
    judge: STREAM_JOINS,
    red: /inner joins say/,
  },
  {
    name: 'a left join tells of what has met nothing behind its record, not before it',
    edits: [{ mark: 'due-before-own', replace: '' }],
    judge: STREAM_JOINS,
    red: /left joins say/,
  },
  {
    name: 'a row that moves to another key still counts under the old one',
    edits: [{ mark: 'subtract-moved', replace: '' }],
    judge: `${TOPOLOGY}/grouped-table.test.ts`,
    red: /a row that moves/,
  },
  {
    name: 'a version that is not the newest one is counted in its place',
    edits: [{ mark: 'newest-versions', replace: '' }],
    judge: `${TOPOLOGY}/versioned-table.test.ts`,
    red: /the newest versions only/,
  },
  {
    name: 'an answer for a value that the row no longer has is joined with the new one',
    edits: [{ mark: 'stale-answers', replace: '' }],
    judge: FOREIGN_KEYS,
    red: /is passed over/,
  },
  {
    name: 'a row stays subscribed to what it no longer refers to',
    edits: [{ mark: 'unsubscribe', replace: '' }],
    judge: FOREIGN_KEYS,
    red: /updates what refers to it/,
  },
  {
    name: 'a join of streams keeps nothing of its right side',
    edits: [{ mark: 'keeps-each-side', condition: "at >= ownTime.advance(at) - keptMs && mine === 'left'" }],
    judge: `${TOPOLOGY}/stream-stream-join.test.ts`,
    red: /records within the window meet/,
  },
  {
    name: 'a record that has met nothing is told again and again',
    edits: [{ mark: 'taken-once', replace: '' }],
    judge: `${TOPOLOGY}/stream-stream-join.test.ts`,
    red: /unmatched records come once/,
  },
  {
    name: 'a retraction adds the new value and forgets to take the old one out',
    edits: [{ mark: 'subtract', condition: 'false' }],
    judge: `${TOPOLOGY}/grouped-table.test.ts`,
    red: /a row that moves/,
  },
  {
    name: 'a session that has become part of another one stays in the table',
    edits: [{ mark: 'old-bounds-told', condition: 'false' }],
    judge: `${TOPOLOGY}/windowed-aggregations.test.ts`,
    red: /tombstones for old bounds/,
  },
  {
    name: 'a punctuator is called a second time for the time that it has been called for',
    edits: [{ mark: 'due-once', replace: 'punctuator.dueMs = dueMs + everyMs;' }],
    judge: 'processor/streams/task/punctuators.test.ts',
    red: /stream time is aligned to 0/,
  },
  {
    name: 'what a call schedules waits for the next record',
    edits: [{ mark: 'one-round', replace: '' }],
    judge: 'processor/streams/task/punctuators.test.ts',
    red: /what a call schedules goes in the same round/,
  },
  {
    name: 'an add that fails leaves what it has changed, where its failure is let pass',
    edits: [{ mark: 'half-changed', replace: 'return (value) => (letsFailuresPass ? value : (serde, value));' }],
    judge: `${TOPOLOGY}/skipped-failures.test.ts`,
    red: /is undone where the row has changed/,
  },
  {
    name: 'what a row was is made with the time of what it is now',
    edits: [
      {
        mark: 'own-time-before',
        replace: `const before = (): TableRow | undefined => {
          const was = change.before();
          return was === undefined ? undefined : made(key, { value: was.value, timestampMs });
        };`,
      },
    ],
    judge: `${TOPOLOGY}/grouped-table.test.ts`,
    red: /made of its own event time mapValues/,
  },
  {
    name: 'undefined is a value of its own',
    edits: [{ mark: 'undefined-is-null', replace: 'mapped = settled(map(value, key, at));' }],
    judge: NULLS,
    red: /undefined as the value of mapValues/,
  },
  {
    name: 'a window is told at its end, while records are still taken',
    edits: [{ mark: 'told-when-closed', condition: 'windowStartOf(rowKey) > streamTimeMs' }],
    judge: `${TOPOLOGY}/final-results.test.ts`,
    red: /each window once/,
  },
  {
    name: 'of a row that is held back the value is not kept',
    edits: [{ mark: 'keep-newest', condition: 'keepsNewest || values === undefined' }],
    judge: `${TOPOLOGY}/suppress.test.ts`,
    red: /the value as it was handed on/,
  },
  {
    name: 'a row that a join keeps is made again, with the time of what is left',
    edits: [{ mark: 'kept-row', condition: 'isWritten(key) && !tables.some((isChanged) => isChanged(key))' }],
    judge: `${TOPOLOGY}/table-join.test.ts`,
    red: /does not go back/,
  },
  {
    name: 'a row that an operator keeps is an old one until the commit',
    edits: [{ mark: 'kept-row', condition: 'isWritten(key) || tables.length > 0' }],
    judge: `${TOPOLOGY}/table-join.test.ts`,
    red: /as it stands when the record comes/,
  },
  {
    name: 'what user code throws at the commit has no name',
    edits: [{ mark: 'name-at-commit', replace: 'throw error;' }],
    judge: USER_CODE,
    red: /at the commit the error names task and node/,
  },
  {
    name: 'a key that begins with ! is taken for the runtime’s own',
    edits: [{ mark: 'runtime-row', replace: 'return key[0] === FIRST;' }],
    judge: 'processor/streams/task/runtime-rows.test.ts',
    red: /keys of whatever look/,
  },
  {
    name: 'a session that is closed, and kept, takes records and changes',
    edits: [
      {
        mark: 'open-sessions',
        replace:
          'const found = sessions.find(key, at - windows.gapMs, at + windows.gapMs).filter((one) => [one, isOpen]);',
      },
    ],
    judge: WINDOWS_BY_MODEL,
    red: /sessions are those/,
  },
  {
    name: 'a record that came out of order has no sliding window behind it',
    edits: [{ mark: 'right-window', replace: '' }],
    judge: WINDOWS_BY_MODEL,
    red: /sliding windows are those/,
  },
  {
    name: 'what a filter has stopped makes records late behind it',
    edits: [{ mark: 'own-step-time', replace: 'return this.#shared;' }],
    judge: STEP_TIMES,
    red: /a row of a step is kept/,
  },
  {
    name: 'a step has forgotten its time when its task starts again',
    edits: [{ mark: 'store-step-time', replace: '' }],
    judge: STEP_TIMES,
    red: /when its task starts again/,
  },
  {
    name: 'what joins hand on late is late behind a shuffle',
    edits: [{ mark: 'held-back', condition: 'time !== null' }],
    judge: HELD_BACK_TIMES,
    red: /unmatched/,
  },
  {
    name: 'a task behind a shuffle that has read all is not waited for',
    edits: [{ mark: 'relay', condition: '!source.caughtUp' }],
    judge: HELD_BACK_TIMES,
    red: /over two shuffles/,
  },
  {
    name: 'a record that travels by itself is judged by the time of some commit before',
    edits: [{ mark: 'report-ahead', condition: 'false' }],
    judge: WINDOWS_BY_MODEL,
    red: /behind the shuffle/,
  },
];
