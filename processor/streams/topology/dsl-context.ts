import type { StoreSpec } from '../store/typed-store.ts';
import type { KGroupedStream, KStream, KTable } from './dsl-types.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { DeclaredNode, ValueFunction } from './graph.ts';
import type { Serde } from './serdes.ts';
import type { Windows } from './windows.ts';

/** What is known of the records behind a node. Undefined serdes: something has changed the type. */
export interface StreamShape {
  /** The keys are still those of the source topic: its partitions are the owners of the keys. */
  readonly keyUnchanged: boolean;
  readonly key: Serde<unknown> | undefined;
  readonly value: Serde<unknown> | undefined;
}

/** How a stream is grouped. */
export interface Grouping {
  readonly selector: ValueFunction<unknown>;
  readonly key: Serde<unknown>;
  /** Records that travel one by one need it. */
  readonly value: Serde<unknown> | undefined;
  /** Part of the name of the repartition topic. Undefined: aggregated in the same task, without a repartition topic. */
  readonly name: string | undefined;
}

/** What is known of the windows of a table. */
export interface WindowedShape {
  readonly windows: Windows;
  /** Of the aggregations that they are of. */
  readonly stores: readonly string[];
}

/** What is known of the rows of a table. */
export interface TableShape {
  /** Of whole keys: those of a windowed table are `Windowed`. */
  readonly key: Serde<unknown>;
  /** How its rows are kept in a store. */
  readonly layout: Omit<StoreSpec, 'name' | 'serde'>;
  /** Undefined: an operator has made values of another type. */
  readonly value: Serde<unknown> | undefined;
  /** Its windows. */
  readonly windowed?: WindowedShape | undefined;
  /** The store that its rows are in, or made of: what else it keeps is named after it. */
  readonly storeName?: string | undefined;
  /** The node of what came too late, where there are windows. */
  readonly late: DeclaredNode | undefined;
}

/** A table as streams see it that join it. */
export interface DeclaredTable {
  readonly node: DeclaredNode;
  readonly shape: TableShape;
}

/** What streams, groupings and tables of one builder share: its graph, and each other's constructors. */
export interface DslContext {
  readonly graph: GraphBuilder;
  stream<K, V>(node: DeclaredNode, shape: StreamShape): KStream<K, V>;
  grouped<K, V>(node: DeclaredNode, grouping: Grouping): KGroupedStream<K, V>;
  table<K, V>(node: DeclaredNode, shape: TableShape): KTable<K, V>;
  /** A table that `table` has made; undefined: it is none, or one of another builder. */
  declared(table: unknown): DeclaredTable | undefined;
  /** The node of a stream or table of any builder; undefined: it is none. */
  nodeOf(given: unknown): string | undefined;
}
