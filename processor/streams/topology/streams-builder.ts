import { checkFunctions, checkOptions, textOf } from '../options.ts';
import { noteBuilt } from './built-topologies.ts';
import type { DslContext } from './dsl-context.ts';
import type { SourceStream } from './dsl-types.ts';
import { GraphBuilder } from './graph-builder.ts';
import { KGroupedStreamImpl } from './grouped-stream.ts';
import { KStreamImpl, SourceStreamImpl } from './kstream.ts';
import { KTableImpl } from './ktable.ts';
import type { Decoder } from './record.ts';
import type { Topology } from './topology.ts';

export interface StreamOptions<V> {
  /** Reads a record's value, or says why it cannot. */
  readonly decode: Decoder<V>;
  /** Event time of a value, epoch ms. Default: the record's own timestamp. */
  readonly timestampMs?: (value: V) => number;
  /** Where records go that `decode` refuses. Without one, a refusal stops the task. */
  readonly deadLetterTopic?: string;
}

/** Where a topology starts. */
export class StreamsBuilder {
  readonly #dsl: DslContext = {
    graph: new GraphBuilder(),
    stream: (node, keyUnchanged) => new KStreamImpl(this.#dsl, node, keyUnchanged),
    grouped: (node, grouping) => new KGroupedStreamImpl(this.#dsl, node, grouping),
    table: (node, late) => new KTableImpl(this.#dsl, node, late),
  };

  /** A stream of a topic's records. Values flow on with their event time; keys are UTF-8 text or null. */
  stream<V>(topic: string, options: StreamOptions<V>): SourceStream<V> {
    const what = `stream(${textOf(topic)})`;
    checkOptions(what, options, ['decode', 'timestampMs', 'deadLetterTopic']);
    checkFunctions(what, options, options.timestampMs === undefined ? ['decode'] : ['decode', 'timestampMs']);
    const { decode, timestampMs, deadLetterTopic } = options;
    const node = this.#dsl.graph.add({ kind: 'source', inputs: [], topic, decode, timestampMs, deadLetterTopic });
    return new SourceStreamImpl<V>(this.#dsl, node);
  }

  /** @throws StreamsError TOPOLOGY_INVALID */
  build(): Topology {
    return noteBuilt(this.#dsl.graph.build());
  }
}
