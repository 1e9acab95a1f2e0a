import type { Mutation } from '../support/mutant.ts';

/*
 * Mistakes in the graph of a topology and at its edges: each makes a number wrong in silence. The cheapest suite that
 * notices is the judge; none of them needs a broker.
 */

const TOPOLOGY = 'processor/streams/topology';
const CHECKS = `${TOPOLOGY}/topology-checks.test.ts`;
const VALUES = `${TOPOLOGY}/own-values.test.ts`;
const ROUTES = `${TOPOLOGY}/routes.test.ts`;
const KEYS = `${TOPOLOGY}/keys-and-times.test.ts`;
const USER_CODE = `${TOPOLOGY}/user-code.test.ts`;
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
        file: `${TOPOLOGY}/aggregate-node.ts`,
        find: 'grouping.handlers.set(store.name, handlers);',
        replace: 'if (handlers.size === 1) grouping.handlers.set(store.name, handlers);',
      },
      {
        file: `${TOPOLOGY}/streams-builder.ts`,
        find: 'if (handles === undefined) throw unknownRoute(record, decoded.partial.route);',
        replace: 'if (handles === undefined) return;',
      },
    ],
    judge: ROUTES,
    red: /what was sent by .* arrives/,
  },
  {
    name: 'a release may change which tables share partials',
    edits: [{ file: `${TOPOLOGY}/signature.ts`, find: '...partialTexts(subTopologies),', replace: '' }],
    judge: `${TOPOLOGY}/signature.test.ts`,
    red: /share partials/,
  },
  {
    name: 'what something else wrote into a repartition topic is passed over',
    edits: [
      {
        file: 'processor/streams/task/task-graph.ts',
        find: 'source.taskId === report.source)) return false;',
        replace: 'source.taskId === report.source)) return true;',
      },
    ],
    judge: ROUTES,
    red: /a time report of a task/,
  },
  {
    name: 'one partial is merged into several windows',
    edits: [
      {
        file: `${TOPOLOGY}/aggregate-node.ts`,
        find: 'last ? partial : copyThrough(aggregate.serde, partial)',
        replace: 'partial',
      },
    ],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'a reduce adds into the value that others read',
    edits: [
      {
        file: `${TOPOLOGY}/own-values.ts`,
        find: 'return (next as unknown) === value ? copyThrough(aggregate.serde, next) : next;',
        replace: 'return next;',
      },
    ],
    judge: VALUES,
    red: /may change what a decoder answers/,
  },
  {
    name: 'readers of one stream share its values',
    edits: [
      {
        file: `${TOPOLOGY}/value-sharing.ts`,
        find: 'if (!isShared(node, nodes)) return false;',
        replace: 'if (isShared(node, nodes)) return false;',
      },
    ],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'toStream tells of the object that the store is about to write',
    edits: [
      {
        file: `${TOPOLOGY}/aggregate-node.ts`,
        find: 'copyThrough(serde, this.valueOf(row) ?? row.value)',
        replace: '(serde, this.valueOf(row) ?? row.value)',
      },
    ],
    judge: VALUES,
    red: /aggregates that change what they may/,
  },
  {
    name: 'empty() is taken for a new value each time',
    edits: [
      {
        file: `${TOPOLOGY}/own-values.ts`,
        find: 'return () => copyOf(pristine);',
        replace: 'return () => first ?? pristine;',
      },
    ],
    judge: ANY_TOPOLOGY,
    red: /random topologies/,
  },
  {
    name: 'a processor changes a row without put',
    edits: [
      {
        file: `${TOPOLOGY}/kstream.ts`,
        find: 'runtime.keyValueStore(connected(name)).ownView()',
        replace: 'runtime.keyValueStore(connected(name))',
      },
    ],
    judge: VALUES,
    red: /only put changes the store/,
  },
  {
    name: 'two stores of one name and kind are one',
    edits: [
      { file: `${TOPOLOGY}/topology-checks.ts`, find: 'known.spec !== spec', replace: 'known.spec.kind !== spec.kind' },
    ],
    judge: CHECKS,
    red: /one store name declared by/,
  },
  {
    name: 'keys are counted over topics of other partition counts',
    edits: [
      {
        file: `${TOPOLOGY}/copartitioning.ts`,
        find: 'if (new Set(counted.map(([, count]) => count)).size <= 1) continue;',
        replace: 'if (counted.length > 0) continue;',
      },
    ],
    judge: `${TOPOLOGY}/copartitioning.test.ts`,
    red: /is refused, at the start and in the driver/,
  },
  {
    name: 'a stream of another builder is merged, and read by nobody',
    edits: [
      {
        file: `${TOPOLOGY}/kstream.ts`,
        find: 'if (other.graph !== this.graph) {',
        replace: 'if (other.graph === undefined) {',
      },
    ],
    judge: CHECKS,
    red: /a stream of another builder/,
  },
  {
    name: 'branch asks every predicate',
    edits: [
      {
        file: `${TOPOLOGY}/kstream.ts`,
        find: 'predicates.findIndex((predicate) => isTruthy(predicate(value as V, key)));',
        replace: 'predicates.map((predicate) => isTruthy(predicate(value as V, key))).indexOf(true);',
      },
    ],
    judge: CHECKS,
    red: /at most once a record/,
  },
  {
    name: 'options that nobody knows are ignored',
    edits: [
      {
        file: 'processor/streams/options.ts',
        find: 'if (!known.includes(name)) throw',
        replace: 'if (known.length === 0) throw',
      },
    ],
    judge: 'processor/streams/options.test.ts',
    red: /CONFIG_INVALID, and named/,
  },
  {
    name: 'windows expire before they are sealed',
    edits: [
      {
        file: 'processor/streams/task/task-graph.ts',
        find: '    const changes: StoreChange[] = [];\n    try {',
        replace: '    const changes: StoreChange[] = [];\n    const expired = await this.#expire();\n    try {',
      },
      {
        file: 'processor/streams/task/task-graph.ts',
        find: 'for (const tombstone of await this.#expire()) changes.push(tombstone);',
        replace:
          'for (const { store, key } of expired) if (!changes.some((change) => change.store === store && ' +
          'change.key.equals(key))) changes.push({ store, key, value: null });',
      },
    ],
    judge: `${TOPOLOGY}/window-expiry.test.ts`,
    red: /in the changelog before its tombstone/,
  },
  {
    name: 'late records of a local aggregation are told to nobody',
    edits: [
      {
        file: `${TOPOLOGY}/aggregate-node.ts`,
        find: '(lateEmits.get(runtime) ?? ignore)(key, value, at)',
        replace: 'ignore(key, value, at)',
      },
    ],
    judge: `${TOPOLOGY}/window-expiry.test.ts`,
    red: /told by late/,
  },
  {
    name: 'bytes that are no text become text',
    edits: [{ file: 'processor/streams/store/key-text.ts', find: '? undefined : text;', replace: '? text : text;' }],
    judge: KEYS,
    red: /groupByKey: a dead letter/,
  },
  {
    name: 'halves of surrogate pairs are keys',
    edits: [
      {
        file: 'processor/streams/store/key-text.ts',
        find: 'if (!key.isWellFormed()) throw',
        replace: 'if (key.length < 0) throw',
      },
    ],
    judge: KEYS,
    red: /is refused by stores/,
  },
  {
    name: 'any number is an event time',
    edits: [
      {
        file: `${TOPOLOGY}/event-time.ts`,
        find: "typeof timeMs === 'number' && timeMs >= 0 && timeMs <= LATEST_MS ? Math.floor(timeMs) : NaN",
        replace: "typeof timeMs === 'number' && Math.abs(timeMs) <= LATEST_MS ? timeMs : NaN",
      },
    ],
    judge: KEYS,
    red: /is a dead letter, or dropped and counted/,
  },
  {
    name: 'a promise is true',
    edits: [
      {
        file: `${TOPOLOGY}/user-code.ts`,
        find: "if (isThenable(answer)) refuseAnswer(answer, 'true or false');",
        replace: '',
      },
    ],
    judge: USER_CODE,
    red: /async filter/,
  },
  {
    name: 'a record without a key is dropped and not counted',
    edits: [{ file: `${TOPOLOGY}/combine-node.ts`, find: "runtime.drop('null-key');", replace: '' }],
    judge: USER_CODE,
    red: /drops the record, and it is counted/,
  },
  {
    name: 'what user code throws at the commit has no name',
    edits: [
      {
        file: 'processor/streams/task/task-graph.ts',
        find: "throw error instanceof NodeFailure ? userCodeFailed(this.taskId, 'at the commit', error) : error;",
        replace: 'throw error;',
      },
    ],
    judge: USER_CODE,
    red: /at the commit the error names task and node/,
  },
  {
    name: 'a key that begins with ! is taken for the runtime’s own',
    edits: [
      {
        file: 'processor/streams/store/runtime-rows.ts',
        find: 'return key[0] === FIRST && key[1] === SECOND;',
        replace: 'return key[0] === FIRST;',
      },
    ],
    judge: 'processor/streams/task/runtime-rows.test.ts',
    red: /keys of whatever look/,
  },
];
