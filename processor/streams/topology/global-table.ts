import type { DslContext } from './dsl-context.ts';
import type { GlobalKTable } from './dsl-types.ts';
import type { DeclaredNode, Edge } from './graph.ts';

export class GlobalKTableImpl<K, V> implements GlobalKTable<K, V> {
  readonly store: string;
  readonly dsl: DslContext;
  readonly #node: DeclaredNode;

  constructor(dsl: DslContext, node: DeclaredNode, store: string) {
    this.dsl = dsl;
    this.#node = node;
    this.store = store;
  }

  get name(): string {
    return this.#node.name;
  }

  /** Of a node that looks at its rows: in a task it finds them by `runtime.globalTable(store)`. */
  get rows(): Edge {
    return { from: this.#node.index, carries: 'global' };
  }
}
