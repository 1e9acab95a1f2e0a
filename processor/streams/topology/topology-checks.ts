import { messageOf } from '../errors.ts';
import { didYouMean, textOf, unknownPart } from '../options.ts';
import { isStoreName } from '../store/data-key.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import { storesOf, storesOfJoin, type Aggregation, type DeclaredNode, type GraphNode } from './graph.ts';
import { emptyOf } from './own-values.ts';

/** What Kafka takes as the name of a topic. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export function isTopicName(name: unknown): boolean {
  return typeof name === 'string' && TOPIC_NAME.test(name) && name !== '.' && name !== '..';
}

/** What is wrong with a node by itself, in words that name it; undefined when nothing is. */
export function findNodeProblem(node: DeclaredNode, nodes: readonly DeclaredNode[]): string | undefined {
  const { name } = node;
  switch (node.kind) {
    case 'source':
      return (
        findSourceProblem(name, node.topic, node.deadLetterTopic) ??
        findSerdeProblem(`the source of "${node.topic}"`, { key: node.key })
      );
    case 'global-table':
      return (
        (isTopicName(node.topic) ? undefined : `${name}: ${notATopic(node.topic)}`) ??
        findSerdeProblem(`the global table of "${node.topic}"`, { key: node.key }) ??
        (isStoreName(node.table)
          ? undefined
          : `the store of ${name} has a name that cannot be used: ${textOf(node.table)}`)
      );
    case 'repartition-source':
      return findGroupingProblem(node.grouping);
    case 'branch':
      return node.predicates.length === 0
        ? `branch() of ${inputName(node, nodes)} needs a predicate: without one it has no branches`
        : undefined;
    case 'process':
      return node.uses
        .map((store) => (typeof store === 'string' ? undefined : findStoreProblem(name, store)))
        .find((problem) => problem !== undefined);
    case 'aggregate':
    case 'merge-partials':
      return findAggregateProblem(name, node) ?? findStoreProblem(name, node.store);
    case 'table-aggregate':
      return (
        findAggregateProblem(name, node) ??
        (typeof node.aggregate.subtract === 'function'
          ? undefined
          : `the aggregate of the store "${node.store.name}" of ${name} has no subtract(): what a row of a table was ` +
            `before must be taken away again`) ??
        findStoreProblem(name, node.store)
      );
    case 'table-suppress':
      return findStoreProblem(name, node.held as StoreSpec<unknown>);
    case 'to-table':
    case 'table-filter':
    case 'table-map-values':
    case 'table-join':
    case 'foreign-join':
    case 'foreign-respond':
      if (node.kind === 'foreign-respond') {
        const problem = findSerdeProblem(`the foreign-key join "${node.route}"`, { right: node.right });
        if (problem !== undefined) return problem;
      }
      return node.store === undefined ? undefined : findStoreProblem(name, node.store);
    case 'stream-table-join':
      return node.held === undefined ? undefined : findStoreProblem(name, node.held.store);
    case 'stream-stream-join':
      return findJoinProblem(node);
    case 'foreign-subscribe':
      return (
        findGroupingProblem(node.grouping) ??
        findSerdeProblem(`the foreign-key join "${node.route}"`, { key: node.foreign, left: node.left })
      );
    case 'combine':
      return findSerdeProblem(`the grouping "${node.grouping}"`, { key: node.key });
    case 'send':
    case 'table-group':
      return (
        findGroupingProblem(node.grouping) ??
        findSerdeProblem(`the grouping "${node.grouping}"`, { key: node.key, value: node.value }) ??
        findCountProblem(
          `partitions of the repartition "${node.grouping}"`,
          'partitions' in node ? node.partitions : undefined,
        )
      );
    case 'sink': {
      const { topic, key, value } = node;
      if (typeof topic !== 'function' && !isTopicName(topic)) return `${name}: ${notATopic(topic)}`;
      const to = `to(${typeof topic === 'function' ? 'a function' : `"${topic}"`}) of ${inputName(node, nodes)}`;
      return findSerdeProblem(to, { key, value });
    }
    default:
      return undefined;
  }
}

/** The first thing that is wrong with a finished graph as a whole, in words that name the nodes. */
export function findGraphProblem(nodes: readonly GraphNode[], added: readonly StoreSpec[]): string | undefined {
  return (
    nodes.map((node) => findProcessProblem(node)).find((problem) => problem !== undefined) ??
    findNamedTwice(nodes) ??
    nodes
      .map((node) =>
        node.kind === 'foreign-join' && node.store !== undefined ? findStoreProblem(node.name, node.store) : undefined,
      )
      .find((problem) => problem !== undefined) ??
    findStoreDeclaredTwice(nodes) ??
    findAddedStoreProblem(nodes, added) ??
    findStartsAtOdds(nodes) ??
    findRepartitionTwice(nodes)
  );
}

/** What forwards to a name reaches one processor. */
function findNamedTwice(nodes: readonly GraphNode[]): string | undefined {
  const known = new Map<string, GraphNode>();
  for (const node of nodes) {
    if (node.kind !== 'process' || node.givenName === undefined) continue;
    const before = known.get(node.givenName);
    if (before !== undefined)
      return `the name "${node.givenName}" of a processor is given twice, to ${before.name} and to ${node.name}`;
    known.set(node.givenName, node);
  }
  return undefined;
}

/** A task reads a partition once, for all sources of its topic. */
function findStartsAtOdds(nodes: readonly GraphNode[]): string | undefined {
  const sources = nodes.flatMap((node) => (node.kind === 'source' ? [node] : []));
  for (const one of sources) {
    const other = sources.find(({ topic, startAt }) => topic === one.topic && startAt !== one.startAt);
    if (other !== undefined)
      return (
        `${one.name} starts "${one.topic}" at the ${one.startAt}, ${other.name} at the ${other.startAt}: a topic is ` +
        `read once for both, so give them one startAt`
      );
  }
  return undefined;
}

function inputName({ inputs }: DeclaredNode, nodes: readonly DeclaredNode[]): string {
  return nodes[inputs[0]?.from ?? -1]?.name ?? 'nothing';
}

function findProcessProblem(node: GraphNode): string | undefined {
  if (node.kind !== 'process') return undefined;
  if (isOneForAll(node.supplier))
    return (
      `the supplier of ${node.name} answers the same processor each time: tasks would write into each other's ` +
      `stores. Make a new one: process(() => new …())`
    );
  const missing = node.uses.find((use) => typeof use === 'string' && !node.stores.some(({ name }) => name === use));
  return missing === undefined
    ? undefined
    : `${node.name} names the store "${String(missing)}", which nothing declares: process(…, { stores: [spec] }), ` +
        `or the table that keeps it`;
}

function findCountProblem(what: string, count: number | undefined): string | undefined {
  return count === undefined || (Number.isSafeInteger(count) && count > 0)
    ? undefined
    : `${what} is a whole number above 0, not ${String(count)}`;
}

export function findSerdeProblem(what: string, serdes: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, serde] of Object.entries(serdes))
    if (serde !== undefined && !isSerde(serde))
      return `${what} needs a serde as its ${name}: an object with serialize and deserialize`;
  return undefined;
}

/** Whether all tasks would be given one processor. A supplier that throws is heard of when the task is set up. */
function isOneForAll(supplier: (context: never) => unknown): boolean {
  // A supplier that takes its context is asked once a task, and not before.
  if (supplier.length > 0) return false;
  try {
    const ask = supplier as () => unknown;
    const one = ask();
    return typeof one === 'object' && one !== null && one === ask();
  } catch {
    return false;
  }
}

/**
 * Two declarations of one name would write over each other's rows; one spec object in several places is one
 * declaration.
 */
function findStoreDeclaredTwice(nodes: readonly GraphNode[]): string | undefined {
  const declared = new Map<string, { spec: StoreSpec<unknown> | GraphNode; node: GraphNode }>();
  for (const node of nodes) {
    if (node.kind === 'global-table') {
      const known = declared.get(node.table);
      if (known !== undefined) return storeDeclaredTwice(node.table, known.node, node);
      declared.set(node.table, { spec: node, node });
    }
    for (const spec of storesOf(node)) {
      const known = declared.get(spec.name);
      if (known === undefined) declared.set(spec.name, { spec, node });
      // mutant: two-stores-of-a-name
      else if (known.spec !== spec) return storeDeclaredTwice(spec.name, known.node, node);
    }
  }
  return undefined;
}

/** Records of two would be taken for those of one. */
function findRepartitionTwice(nodes: readonly GraphNode[]): string | undefined {
  const known = new Map<string, GraphNode>();
  for (const node of nodes) {
    // What groupings send is known by the stores behind it.
    if (node.kind !== 'send' || node.routes.length > 0) continue;
    const before = known.get(node.grouping);
    if (before !== undefined)
      return (
        `the repartition "${node.grouping}" is declared twice, by ${before.name} and by ${node.name}: give one of ` +
        `them another name, or merge the streams before it`
      );
    known.set(node.grouping, node);
  }
  return undefined;
}

function findAddedStoreProblem(nodes: readonly GraphNode[], added: readonly StoreSpec[]): string | undefined {
  for (const [index, spec] of added.entries()) {
    const { name } = spec;
    const isAnother = (use: string | StoreSpec): boolean =>
      typeof use !== 'string' && use.name === name && use !== spec;
    const twice = added.slice(0, index).some(isAnother);
    const users = nodes.filter((node) => storesOf(node).some((store) => store.name === name));
    const declaring = users.find((node) => node.kind !== 'process' || node.uses.some(isAnother));
    if (twice || declaring !== undefined)
      return `the store "${name}" is declared twice, by addStore() and by ${declaring?.name ?? 'addStore() again'}`;
    if (users.length === 0)
      return `the store "${name}" of addStore() is used by no processor: process(…, { stores: ["${name}"] })`;
  }
  return undefined;
}

function storeDeclaredTwice(store: string, one: GraphNode, other: GraphNode): string {
  return (
    `the store "${store}" is declared twice, by ${one.name} and by ${other.name}: give one of ` +
    `them another name, or let processors share one spec or name the store`
  );
}

function findSourceProblem(name: string, topic: unknown, deadLetterTopic: unknown): string | undefined {
  if (!isTopicName(topic)) return `${name}: ${notATopic(topic)}`;
  if (deadLetterTopic === undefined) return undefined;
  if (!isTopicName(deadLetterTopic)) return `the dead-letter topic of ${name}: ${notATopic(deadLetterTopic)}`;
  return topic === deadLetterTopic
    ? `${name} reads "${String(topic)}" and sends its dead letters there, to read them again without end: give dead ` +
        `letters a topic of their own`
    : undefined;
}

function findGroupingProblem(grouping: unknown): string | undefined {
  return typeof grouping === 'string' && TOPIC_NAME.test(grouping)
    ? undefined
    : `a grouping needs a name of letters, digits, dot, dash and underscore, which becomes part of a topic name: ` +
        `not ${typeof grouping === 'string' ? `"${grouping}"` : String(grouping)}`;
}

function notATopic(name: unknown): string {
  return (
    `${typeof name === 'string' ? `"${name}"` : String(name)} is not the name of a topic: letters, digits, ".", ` +
    `"_" and "-", at most 249`
  );
}

const KINDS: readonly StoreSpec['kind'][] = ['key-value', 'window', 'session', 'versioned'];

const STORE_FLAGS = ['changelog', 'inMemory', 'indexed', 'retainDuplicates', 'timed'] as const;

export function findStoreProblem(node: string, store: StoreSpec<unknown>): string | undefined {
  const { name, kind, key, serde, windowSizeMs, retentionMs, historyMs } = (store ?? {}) as {
    [field in keyof StoreSpec<unknown>]?: StoreSpec<unknown>[field];
  };
  if (name === undefined) return `${node} has a store without a name: its changelog is named after it`;
  const what = `the store "${name}" of ${node}`;
  if (!isStoreName(name))
    return `${what} has a name that cannot be used: letters, digits, ".", "_" and "-", at most 249, no "." first`;
  if (kind === undefined || !KINDS.includes(kind))
    return `${what} is of the kind ${String(kind)}: there are ${KINDS.join(', ')}`;
  if (!isSerde(serde)) return `${what} has no serde: an object with serialize and deserialize`;
  if (key !== undefined && !isSerde(key)) return `${what} has a key that is no serde`;
  const flag = STORE_FLAGS.map((one) => findFlagProblem(`${one} of ${what}`, store[one])).find(
    (problem) => problem !== undefined,
  );
  if (flag !== undefined) return flag;
  if (kind === 'window' && !(Number(windowSizeMs) >= 0)) return `${what} needs a windowSizeMs of 0 or more`;
  if ((kind === 'window' || kind === 'session') && !(Number(retentionMs) >= 0))
    return `${what} needs a retentionMs of 0 or more`;
  if (kind === 'versioned' && !(Number(historyMs) >= 0)) return `${what} needs a historyMs of 0 or more`;
  return undefined;
}

/** Of a join of streams: the stores' own words for a serde that is missing would not say which one it is. */
function findJoinProblem(node: Extract<DeclaredNode, { readonly kind: 'stream-stream-join' }>): string | undefined {
  return (
    findSerdeProblem(node.name, { key: node.key, left: node.left.serde, right: node.right.serde }) ??
    storesOfJoin(node)
      .map((store) => findStoreProblem(node.name, store))
      .find((problem) => problem !== undefined)
  );
}

const AGGREGATE_PARTS = ['empty', 'add', 'merge', 'subtract', 'combine', 'serde'];

function findAggregateProblem(
  node: string,
  { aggregate, store }: Pick<Aggregation, 'aggregate' | 'store'>,
): string | undefined {
  const what = `the aggregate of the store "${store.name}" of ${node}`;
  const parts = ((aggregate as unknown) ?? {}) as Readonly<Record<string, unknown>>;
  const missing = ['empty', 'add'].find((part) => typeof parts[part] !== 'function');
  if (missing !== undefined) return `${what} has no ${missing}()`;
  const unknown = unknownPart(parts, AGGREGATE_PARTS);
  if (unknown !== undefined) return `${what} has no part "${unknown}": ${didYouMean(unknown, AGGREGATE_PARTS)}`;
  const wrong = ['merge', 'subtract'].find((part) => !['undefined', 'function'].includes(typeof parts[part]));
  if (wrong !== undefined) return `${what}: ${wrong} is a function, not ${textOf(parts[wrong])}`;
  const combine = findFlagProblem(`${what}: combine`, parts['combine']);
  if (combine !== undefined) return combine;
  try {
    emptyOf(aggregate);
    return undefined;
  } catch (error) {
    return `empty() of ${what} throws: ${messageOf(error)}`;
  }
}

export function findFlagProblem(what: string, flag: unknown): string | undefined {
  return flag === undefined || typeof flag === 'boolean' ? undefined : `${what} is true or false, not ${textOf(flag)}`;
}

/** Whether something can turn values into bytes and back: from JavaScript anything may come. */
function isSerde(serde: unknown): boolean {
  const { serialize, deserialize } = (serde ?? {}) as { serialize?: unknown; deserialize?: unknown };
  return typeof serialize === 'function' && typeof deserialize === 'function';
}
