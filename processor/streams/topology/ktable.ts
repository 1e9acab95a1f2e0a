import type { DslContext } from './dsl-context.ts';
import type { KStream, KTable, TableUpdate } from './dsl-types.ts';
import type { DeclaredNode } from './graph.ts';

export class KTableImpl<A> implements KTable<A> {
  readonly #dsl: DslContext;
  readonly #node: DeclaredNode;
  readonly #late: DeclaredNode | undefined;

  constructor(dsl: DslContext, node: DeclaredNode, late: DeclaredNode | undefined) {
    this.#dsl = dsl;
    this.#node = node;
    this.#late = late;
  }

  toStream(): KStream<TableUpdate<A>> {
    return this.#dsl.stream(this.#node, false);
  }

  late(): KStream<A> {
    if (this.#late === undefined)
      this.#dsl.graph.refuse(`late() of ${this.#node.name}: only a windowed aggregation has late records`);
    return this.#dsl.stream(this.#late ?? this.#node, false);
  }
}
