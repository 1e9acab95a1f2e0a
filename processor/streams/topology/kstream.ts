import { checkFunctions, checkOptions } from '../options.ts';
import { STORE_OPTIONS, type StoreSpec } from '../store/typed-store.ts';
import type { DslContext } from './dsl-context.ts';
import type { KGroupedStream, KStream, SourceStream } from './dsl-types.ts';
import { labelOf, type DeclaredNode, type Edge, type NodeDeclaration } from './graph.ts';
import type { Processor } from './processor-context.ts';
import type { DeadLetter } from './record.ts';
import type { Serde } from './serdes.ts';

export class KStreamImpl<V> implements KStream<V> {
  protected readonly dsl: DslContext;
  protected readonly node: DeclaredNode;
  /** The keys are still those of the source topic: grouping by key needs no repartition. */
  readonly #keyUnchanged: boolean;

  constructor(dsl: DslContext, node: DeclaredNode, keyUnchanged: boolean) {
    this.dsl = dsl;
    this.node = node;
    this.#keyUnchanged = keyUnchanged;
  }

  filter(predicate: (value: V, key: string | null) => boolean): KStream<V> {
    return this.#step({ kind: 'filter', predicate, inputs: this.#records() }, predicate);
  }

  filterType<W extends V>(predicate: (value: V) => value is W): KStream<W> {
    return this.filter(predicate) as unknown as KStream<W>;
  }

  mapValues<W>(map: (value: V, key: string | null) => W): KStream<W> {
    return this.#step({ kind: 'map-values', map, inputs: this.#records() }, map);
  }

  map<W>(map: (value: V, key: string | null) => { key: string | null; value: W }): KStream<W> {
    return this.#step({ kind: 'map', map, inputs: this.#records() }, map, false);
  }

  flatMap<W>(map: (value: V, key: string | null) => Iterable<{ key: string | null; value: W }>): KStream<W> {
    return this.#step({ kind: 'flat-map', map, inputs: this.#records() }, map, false);
  }

  flatMapValues<W>(map: (value: V, key: string | null) => Iterable<W>): KStream<W> {
    return this.#step({ kind: 'flat-map-values', map, inputs: this.#records() }, map);
  }

  peek(look: (value: V, key: string | null, timestampMs: number) => void): KStream<V> {
    return this.#step({ kind: 'peek', look, inputs: this.#records() }, look);
  }

  branch(...predicates: ((value: V, key: string | null) => boolean)[]): KStream<V>[] {
    checkFunctions('branch()', predicates, Object.keys(predicates));
    const { graph } = this.dsl;
    const { index } = graph.add({ kind: 'branch', predicates, inputs: this.#records() });
    return predicates.map((_, predicate) => {
      const child = graph.add({ kind: 'branch-child', inputs: [{ from: index, carries: 'branch', predicate }] });
      return this.dsl.stream(child, this.#keyUnchanged);
    });
  }

  merge(other: KStream<V>): KStream<V> {
    const { graph } = this.dsl;
    if (!(other instanceof KStreamImpl)) {
      graph.refuse(`merge() of ${this.node.name} takes a stream, not ${String(other)}`);
      return this;
    }
    // mutant: one-builder
    if (other.dsl !== this.dsl) {
      for (const each of [graph, other.dsl.graph])
        each.refuse(
          `merge() of ${this.node.name} and ${other.node.name}, which is of another StreamsBuilder: its source ` +
            `would not be read. Declare both streams with one builder`,
        );
      return this;
    }
    const node = graph.add({ kind: 'merge', inputs: [...this.#records(), ...other.#records()] });
    return this.dsl.stream(node, this.#keyUnchanged && other.#keyUnchanged);
  }

  groupBy(
    selector: (value: V, key: string | null) => string | null | undefined,
    options: { name: string },
  ): KGroupedStream<V> {
    checkOptions('groupBy()', options, ['name']);
    checkFunctions('groupBy()', { selector }, ['selector']);
    return this.dsl.grouped(this.node, { selector, name: options.name, local: false });
  }

  groupByKey(options: { name: string }): KGroupedStream<V> {
    checkOptions('groupByKey()', options, ['name']);
    const selector = (_value: V, key: string | null): string | null => key;
    return this.dsl.grouped(this.node, { selector, name: options.name, local: this.#keyUnchanged });
  }

  process<R>(
    supplier: () => Processor<V, R>,
    options: { stores?: readonly (StoreSpec<unknown> | string)[] } = {},
  ): KStream<R> {
    checkOptions('process()', options, ['stores']);
    checkFunctions('process()', { supplier }, ['supplier']);
    const { stores: uses = [] } = options;
    for (const store of uses) if (typeof store !== 'string') checkOptions('a store of process()', store, STORE_OPTIONS);
    const node = this.dsl.graph.add({ kind: 'process', supplier, uses, inputs: this.#records() });
    return this.dsl.stream(node, false);
  }

  to(topic: string, serde: Serde<Exclude<V, null>>): void {
    this.dsl.graph.add({ kind: 'sink', topic, serde: serde as Serde<unknown>, inputs: this.#records() });
  }

  #records(): Edge[] {
    return [{ from: this.node.index, carries: 'records' }];
  }

  #step<W>(step: NodeDeclaration, callback: unknown, keepsKey = true): KStream<W> {
    checkFunctions(`the ${labelOf(step.kind)} behind ${this.node.name}`, { callback }, ['callback']);
    return this.dsl.stream(this.dsl.graph.add(step), this.#keyUnchanged && keepsKey);
  }
}

export class SourceStreamImpl<V> extends KStreamImpl<V> implements SourceStream<V> {
  constructor(dsl: DslContext, node: DeclaredNode) {
    super(dsl, node, true);
  }

  deadLetters(): KStream<DeadLetter> {
    const { graph } = this.dsl;
    const { index } = this.node;
    const node =
      graph.find(({ inputs }) => inputs.some(({ from, carries }) => from === index && carries === 'dead-letters')) ??
      graph.add({ kind: 'dead-letters', inputs: [{ from: index, carries: 'dead-letters' }] });
    return this.dsl.stream(node, false);
  }
}
