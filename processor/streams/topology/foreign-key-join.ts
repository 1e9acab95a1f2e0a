import { checkFunctions, checkOptions } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { DslContext, TableShape } from './dsl-context.ts';
import { decodeKept, encodeKept, type KeptSubscription } from './foreign-key-message.ts';
import type { DeclaredNode, Edge, ForeignJoinNode, Joiner } from './graph.ts';
import { asAny } from './kstream.ts';
import type { Serde } from './serdes.ts';
import { newestOf } from './table-layout.ts';

/** One of the two tables. */
export interface ForeignSide {
  readonly node: DeclaredNode;
  readonly shape: TableShape;
}

/** The options as they are given, their types looked at no more. */
export interface GivenForeignOptions {
  readonly foreignKey: (value: never, key: never) => unknown;
  readonly name: string;
  readonly store?: string;
  readonly key?: Serde<unknown>;
  readonly left?: Serde<unknown>;
  readonly right?: Serde<unknown>;
  readonly value?: Serde<unknown>;
}

const BYTES: Serde<Buffer> = {
  serialize: (bytes) => bytes,
  deserialize: (bytes) => Buffer.from(bytes),
  format: 'bytes',
};
const KEPT: Serde<KeptSubscription> = {
  serialize: encodeKept,
  deserialize: decodeKept,
  format: 'subscription of a foreign-key join',
};

/** Declares the three nodes of a foreign-key join and the two repartition topics between them; answers the last one. */
export function declareForeignJoin(
  { graph }: DslContext,
  what: string,
  {
    joins,
    left,
    right,
    joiner,
    options,
  }: {
    readonly joins: ForeignJoinNode['joins'];
    readonly left: ForeignSide;
    readonly right: ForeignSide;
    readonly joiner: Joiner;
    readonly options: GivenForeignOptions;
  },
): DeclaredNode {
  checkOptions(what, options, ['foreignKey', 'name', 'store', 'key', 'left', 'right', 'value']);
  checkFunctions(what, options, ['foreignKey']);
  const { name, foreignKey: selector, value } = options;
  if (typeof name !== 'string' || name === '')
    graph.refuse(`${what} needs a name, { name: … }, which becomes part of the names of its store and topics`);
  const serdeOf = (
    given: Serde<unknown> | undefined,
    own: Serde<unknown> | undefined,
    side: string,
  ): Serde<unknown> => {
    if ((given ?? own) === undefined)
      graph.refuse(
        `${what} needs a serde for the values of its ${side} table, { ${side}: … }: something has made new ones`,
      );
    return (given ?? own) as Serde<unknown>;
  };
  const foreign = {
    foreignKey: asAny<unknown>(selector),
    foreign: options.key ?? right.shape.key,
    left: serdeOf(options.left, left.shape.value, 'left'),
  };
  const rightValues = serdeOf(options.right, right.shape.value, 'right');
  const { key, layout } = left.shape;
  const sender = graph.add({
    kind: 'foreign-subscribe',
    grouping: `${name}-subscription`,
    route: name,
    joins,
    ...foreign,
    key,
    inputs: tableEdges(left.node),
  });
  const responder = graph.add({
    kind: 'foreign-respond',
    grouping: `${name}-response`,
    route: name,
    foreign: foreign.foreign,
    right: rightValues,
    store: subscriptionStore(name),
    inputs: [
      { from: graph.repartitionSource(`${name}-subscription`).index, carries: 'routed', sender: sender.index },
      ...tableEdges(right.node),
    ],
  });
  const { store } = options;
  const resultStore: StoreSpec = {
    ...newestOf(layout),
    name: store ?? `${name}-result`,
    serde: value as Serde<unknown>,
    timed: true,
  };
  if (store !== undefined && value === undefined)
    graph.refuse(`${what} keeps rows in "${store}" and needs a serde for them, { value: … }`);
  return graph.add({
    kind: 'foreign-join',
    route: name,
    joins,
    joiner,
    ...foreign,
    key,
    right: rightValues,
    resultStore,
    store: store === undefined ? undefined : resultStore,
    inputs: [
      { from: graph.repartitionSource(`${name}-response`).index, carries: 'routed', sender: responder.index },
      ...tableEdges(left.node),
    ],
  });
}

/** By foreign key, then by left key. */
function subscriptionStore(name: string): StoreSpec {
  const spec: StoreSpec<KeptSubscription, Buffer> = {
    name: `${name}-subscriptions`,
    kind: 'key-value',
    key: BYTES,
    serde: KEPT,
    indexed: true,
  };
  return spec as StoreSpec<unknown> as StoreSpec;
}

function tableEdges({ index: from }: DeclaredNode): Edge[] {
  return [
    { from, carries: 'changes' },
    { from, carries: 'rows' },
  ];
}
