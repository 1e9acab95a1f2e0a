import { isStoreName } from '../store/data-key.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { TopologyNode } from './topology.ts';

/** What Kafka takes as the name of a topic. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

function isTopicName(name: unknown): boolean {
  return typeof name === 'string' && TOPIC_NAME.test(name) && name !== '.' && name !== '..';
}

/** The first thing that is wrong with a finished graph, in words that name the nodes; undefined when it can run. */
export function findGraphProblem(nodes: readonly TopologyNode[]): string | undefined {
  for (const node of nodes) {
    const problem =
      findTopicProblem(node) ??
      node.stores.map((store) => findStoreProblem(node, store)).find((found) => found !== undefined);
    if (problem !== undefined) return problem;
  }
  return findStoreDeclaredTwice(nodes);
}

/**
 * Two declarations of one name would write over each other's rows; one spec object in several places is one
 * declaration.
 */
function findStoreDeclaredTwice(nodes: readonly TopologyNode[]): string | undefined {
  const declared = new Map<string, { spec: StoreSpec<unknown>; node: TopologyNode }>();
  for (const node of nodes) {
    for (const spec of node.stores) {
      const known = declared.get(spec.name);
      if (known === undefined) declared.set(spec.name, { spec, node });
      // mutant: two-stores-of-a-name
      else if (known.spec !== spec)
        return (
          `the store "${spec.name}" is declared twice, by ${known.node.name} and by ${node.name}: give one of ` +
          `them another name, or let processors share one spec or name the store`
        );
    }
  }
  return undefined;
}

function findTopicProblem({ name, source, sinkTopic }: TopologyNode): string | undefined {
  const from = source?.from;
  const deadLetters = source?.deadLetterTopic;
  for (const topic of [from, sinkTopic]) {
    if (topic !== undefined && 'topic' in topic && !isTopicName(topic.topic))
      return `${name}: ${notATopic(topic.topic)}`;
  }
  if (deadLetters === undefined) return undefined;
  if (!isTopicName(deadLetters)) return `the dead-letter topic of ${name}: ${notATopic(deadLetters)}`;
  if (from !== undefined && 'topic' in from && from.topic === deadLetters)
    return (
      `${name} reads "${from.topic}" and sends its dead letters there, to read them again without end: give dead ` +
      `letters a topic of their own`
    );
  return undefined;
}

function notATopic(name: unknown): string {
  return (
    `${typeof name === 'string' ? `"${name}"` : String(name)} is not the name of a topic: letters, digits, ".", ` +
    `"_" and "-", at most 249`
  );
}

function findStoreProblem(node: TopologyNode, store: StoreSpec<unknown>): string | undefined {
  const { name, kind, serde, windowSizeMs, retentionMs } = (store ?? {}) as {
    [field in keyof StoreSpec<unknown>]?: StoreSpec<unknown>[field];
  };
  if (name === undefined) return `${node.name} has a store without a name: its changelog is named after it`;
  const what = `the store "${name}" of ${node.name}`;
  if (!isStoreName(name))
    return `${what} has a name that cannot be used: letters, digits, ".", "_" and "-", at most 249, no "." first`;
  if (kind !== 'key-value' && kind !== 'window')
    return `${what} is of the kind ${String(kind)}: there are key-value and window`;
  if (!isSerde(serde)) return `${what} has no serde: an object with serialize and deserialize`;
  if (kind === 'window' && !(Number(windowSizeMs) > 0)) return `${what} needs a windowSizeMs above 0`;
  if (kind === 'window' && !(Number(retentionMs) >= 0)) return `${what} needs a retentionMs of 0 or more`;
  return undefined;
}

/** Whether something can turn values into bytes and back: from JavaScript anything may come. */
export function isSerde(serde: unknown): boolean {
  const { serialize, deserialize } = (serde ?? {}) as { serialize?: unknown; deserialize?: unknown };
  return typeof serialize === 'function' && typeof deserialize === 'function';
}
