import type { KGroupedStream, KStream, KTable } from './dsl-types.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { DeclaredNode } from './graph.ts';

/** How a stream is grouped. */
export interface Grouping<V> {
  readonly selector: (value: V, key: string | null) => string | null | undefined;
  /** Part of the name of the repartition topic. */
  readonly name: string;
  /** The keys are those of the source topic: aggregated in the same task, without a repartition topic. */
  readonly local: boolean;
}

/** What streams, groupings and tables of one builder share: its graph, and each other's constructors. */
export interface DslContext {
  readonly graph: GraphBuilder;
  /** `keyUnchanged`: the keys are still those of the source topic. */
  stream<V>(node: DeclaredNode, keyUnchanged: boolean): KStream<V>;
  grouped<V>(node: DeclaredNode, grouping: Grouping<V>): KGroupedStream<V>;
  /** `late`: the node of what came too late, where there are windows. */
  table<A>(node: DeclaredNode, late: DeclaredNode | undefined): KTable<A>;
}
