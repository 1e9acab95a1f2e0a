import type { StoreSpec } from '../store/typed-store.ts';
import { decodeText } from '../store/key-text.ts';
import { KStream } from './kstream.ts';
import { StreamsError } from '../errors.ts';
import { checkFunctions, checkOptions, textOf } from '../options.ts';
import type { Emit, TaskRuntime } from './processor-context.ts';
import { eventTimeOf, isEventTime, whyNoEventTime } from './event-time.ts';
import { DeadLetter, type ConsumerRecord, type Decoder } from './record.ts';
import {
  decodeRepartitionRecord,
  unknownReport,
  unknownRoute,
  unreadableKey,
  unreadablePartial,
  type Partial,
} from './repartition-record.ts';
import { UnreadableValueError } from './stored-value.ts';
import { findGraphProblem } from './topology-checks.ts';
import { failedAt, settled } from './user-code.ts';
import {
  buildTopology,
  keysAreRead,
  type SourceSpec,
  type Topology,
  type TopologyNode,
  type TopicName,
} from './topology.ts';
import { recordPlace } from '../kafka/topic-partition.ts';

export interface StreamOptions<V> {
  /** Reads a record's value, or says why it cannot. */
  readonly decode: Decoder<V>;
  /** Event time of a value, epoch ms. Default: the record's own timestamp. */
  readonly timestampMs?: (value: V) => number;
  /** Where records go that `decode` refuses. Without one, a refusal stops the task. */
  readonly deadLetterTopic?: string;
}

/** One aggregation of a grouped stream: takes the partials of its combiner. */
export interface PartialHandler {
  readonly open: (runtime: TaskRuntime) => (key: string, partial: Partial, records: number) => void;
}

/**
 * A repartition topic under construction. `handlers`: by the name of a store, all aggregations that share one combiner
 * with it. So each store is an address of its combiner, and a partial arrives whichever of them was declared first when
 * it was sent.
 */
export interface Grouping {
  readonly node: TopologyNode;
  readonly handlers: Map<string, Set<PartialHandler>>;
}

/** The graph under construction. KStream and its kin add nodes here; users meet only `stream` and `build`. */
export class GraphBuilder {
  readonly nodes: TopologyNode[] = [];
  readonly #groupings = new Map<string, Grouping>();

  /** What is wrong with the declarations so far: told when the topology is built, with the stack of the first. */
  readonly #problems: StreamsError[] = [];
  #built = false;

  /** Remembers a declaration that cannot be, for `build` to refuse; the caller goes on. */
  refuse(problem: string): void {
    this.#problems.push(new StreamsError('TOPOLOGY_INVALID', problem));
  }

  /** The store that any node declares, for those that only name it. */
  storeNamed(name: string): StoreSpec<unknown> | undefined {
    for (const { stores } of this.nodes) for (const store of stores) if (store.name === name) return store;
    return undefined;
  }

  add(
    node: Pick<TopologyNode, 'readsKey' | 'changesKey'> & {
      kind: string;
      parents: readonly number[];
      attach: TopologyNode['attach'];
      stores?: readonly StoreSpec<unknown>[];
      source?: SourceSpec;
      sinkTopic?: TopicName;
      keepsValues?: boolean;
    },
  ): TopologyNode {
    if (this.#built)
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        'the topology is built already: what is added now would be in none. Declare everything before build()',
      );
    const index = this.nodes.length;
    const { stores = [], ...rest } = node;
    const added: TopologyNode = {
      ...rest,
      index,
      stores,
      name: `KSTREAM-${node.kind}-${String(index).padStart(10, '0')}`,
    };
    this.nodes.push(added);
    return added;
  }

  replace(index: number, change: Partial_<TopologyNode>): TopologyNode {
    const changed = { ...(this.nodes[index] as TopologyNode), ...change };
    this.nodes[index] = changed;
    return changed;
  }

  /** The source of a repartition topic; groupings of one name share it. */
  grouping(name: string): Grouping {
    const known = this.#groupings.get(name);
    if (known !== undefined) return known;
    if (typeof name !== 'string' || !/^[a-zA-Z0-9._-]{1,249}$/.test(name))
      this.refuse(
        `a grouping needs a name of letters, digits, dot, dash and underscore, which becomes part of a topic ` +
          `name: not ${typeof name === 'string' ? `"${name}"` : String(name)}`,
      );
    const handlers = new Map<string, Set<PartialHandler>>();
    const node = this.add({
      kind: 'SOURCE',
      parents: [],
      attach: (_runtime, next) => next,
      source: {
        from: { grouping: name },
        open: (runtime) => {
          const opened = new Map(
            [...new Set(handlers.values())].map((set) => [set, [...set].map((handler) => handler.open(runtime))]),
          );
          const routes = new Map([...handlers].map(([route, set]) => [route, opened.get(set) ?? []]));
          const take = (record: ConsumerRecord, decoded: ReturnType<typeof decodeRepartitionRecord>): void => {
            if ('report' in decoded) {
              if (!runtime.reportTime(name, decoded.report)) throw unknownReport(record, decoded.report.source);
              return;
            }
            const handles = routes.get(decoded.partial.route);
            // mutant: unknown-route
            if (handles === undefined) throw unknownRoute(record, decoded.partial.route);
            const key = decodeText(decoded.key);
            if (key === undefined) throw unreadableKey(record);
            const { partial, records } = decoded;
            for (let index = 0; index < handles.length; index += 1) {
              // A serde may hand out the bytes themselves: each table has its own.
              const own =
                index === handles.length - 1 ? partial : { ...partial, aggregate: Buffer.from(partial.aggregate) };
              try {
                (handles[index] as (typeof handles)[number])(key, own, records);
              } catch (error) {
                throw error instanceof UnreadableValueError ? unreadablePartial(record, error.message) : error;
              }
            }
          };
          return {
            process: (record) => take(record, decodeRepartitionRecord(record)),
            read: (record) => {
              const decoded = decodeRepartitionRecord(record);
              return {
                timestampMs: 'partial' in decoded ? decoded.partial.newestMs : undefined,
                handOn: () => take(record, decoded),
              };
            },
          };
        },
      },
    });
    const grouping = { node, handlers };
    this.#groupings.set(name, grouping);
    return grouping;
  }

  /** Work put off until the graph is complete, e.g. the grain of a combiner. */
  readonly atBuild: (() => void)[] = [];

  build(): Topology {
    if (this.nodes.length === 0)
      throw new StreamsError('TOPOLOGY_INVALID', 'the topology is empty: call builder.stream(topic, …) first');
    for (const finish of this.atBuild.splice(0)) finish();
    const [refused] = this.#problems;
    if (refused !== undefined) throw refused;
    const problem = findGraphProblem(this.nodes);
    if (problem !== undefined) throw new StreamsError('TOPOLOGY_INVALID', problem);
    this.#built = true;
    return buildTopology(this.nodes);
  }
}

type Partial_<T> = { -readonly [K in keyof T]?: T[K] };

/** Where a topology starts. */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder();

  /** A stream of a topic's records. Values flow on with their event time; keys are UTF-8 text or null. */
  stream<V>(topic: string, options: StreamOptions<V>): SourceStream<V> {
    const what = `stream(${textOf(topic)})`;
    checkOptions(what, options, ['decode', 'timestampMs', 'deadLetterTopic']);
    checkFunctions(what, options, options.timestampMs === undefined ? ['decode'] : ['decode', 'timestampMs']);
    const { decode, timestampMs, deadLetterTopic } = options;
    const node = this.#graph.add({
      kind: 'SOURCE',
      parents: [],
      attach: (_runtime, next) => next,
      source: {
        from: { topic },
        ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
        open: (runtime, next, deadLetters, time) => {
          const { name, index } = node;
          // What nobody can see is not made into text, and may be anything.
          const keysAreSeen = keysAreRead(this.#graph.nodes, index);
          const refuse = (record: ConsumerRecord, letter: DeadLetter): void => {
            if (deadLetterTopic === undefined && record.unreadable !== undefined)
              throw new StreamsError(
                'RECORDS_UNREADABLE',
                `${recordPlace(record)}: ${letter.message}. Give the stream a dead-letter topic, or raise the setting`,
              );
            if (deadLetterTopic === undefined)
              throw new StreamsError(
                'USER_CODE_FAILED',
                `task ${runtime.taskId} failed at ${name}: ${recordPlace(record)} cannot be read ` +
                  `(${letter.reason}) and the stream has no dead-letter topic: ${letter.message}`,
                { taskId: runtime.taskId },
              );
            runtime.deadLetter(record, letter, deadLetterTopic);
            const at = eventTimeOf(record.timestampMs);
            deadLetters(null, letter, Number.isNaN(at) ? runtime.nowMs() : at);
          };
          const passOver = (record: ConsumerRecord, timeMs: unknown): void => {
            if (deadLetterTopic === undefined) runtime.drop('invalid-timestamp');
            else refuse(record, new DeadLetter('INVALID_TIMESTAMP', whyNoEventTime(timeMs)));
          };
          const valueOf = (record: ConsumerRecord): V | DeadLetter => {
            try {
              const value = settled(decode(record, runtime.nowMs()));
              if (value === undefined)
                throw new TypeError('decode answered undefined: it answers a value, or a DeadLetter');
              return value;
            } catch (error) {
              throw failedAt(name, error);
            }
          };
          const timeOf = (record: ConsumerRecord, value: V): number => {
            if (timestampMs === undefined) return record.timestampMs;
            try {
              return settled(timestampMs(value));
            } catch (error) {
              throw failedAt(name, error);
            }
          };
          const keyOf = (record: ConsumerRecord): string | null | undefined => {
            const key = keysAreSeen ? record.key : null;
            return key === null ? null : decodeText(key);
          };
          const notText = new DeadLetter('DESERIALIZATION_FAILED', 'The key is not UTF-8 text');
          return {
            process: (record) => {
              const value = record.unreadable ?? valueOf(record);
              if (value instanceof DeadLetter) return refuse(record, value);
              const told = timeOf(record, value);
              const at = isEventTime(told) ? told : eventTimeOf(told);
              if (Number.isNaN(at)) return passOver(record, told);
              const key = keyOf(record);
              if (key === undefined) return refuse(record, notText);
              time(at);
              next(key, value, at);
            },
            read: (record) => {
              const value = record.unreadable ?? valueOf(record);
              if (value instanceof DeadLetter) return { timestampMs: undefined, handOn: () => refuse(record, value) };
              const told = timeOf(record, value);
              const at = eventTimeOf(told);
              if (Number.isNaN(at)) return { timestampMs: undefined, handOn: () => passOver(record, told) };
              const key = keyOf(record);
              if (key === undefined) return { timestampMs: undefined, handOn: () => refuse(record, notText) };
              return { timestampMs: at, handOn: () => next(key, value, at) };
            },
          };
        },
      },
    });
    return new SourceStream<V>(this.#graph, node);
  }

  /** @throws StreamsError TOPOLOGY_INVALID */
  build(): Topology {
    return this.#graph.build();
  }
}

/** A stream straight from a topic: it also knows what could not be read. */
export class SourceStream<V> extends KStream<V> {
  /**
   * One DeadLetter for each record that was dead-lettered, in this sub-topology. Asked for again it is the same stream.
   */
  deadLetters(): KStream<DeadLetter> {
    const { source } = this.node;
    const known = source?.deadLettersTo;
    if (known !== undefined) return new KStream<DeadLetter>(this.graph, this.graph.nodes[known] as TopologyNode);
    const node = this.graph.add({ kind: 'DEAD-LETTERS', parents: [], attach: (_runtime, next) => next });
    this.graph.replace(this.node.index, { source: { ...(source as SourceSpec), deadLettersTo: node.index } });
    return new KStream<DeadLetter>(this.graph, node);
  }
}

/** For nodes that only pass on. */
export const passOn = (_runtime: TaskRuntime, next: Emit): Emit => next;
