import { inputTopicOf, outputTopicOf, storesOf, type Edge, type GraphNode } from './graph.ts';
import { topicNameOf, type SubTopology } from './topology.ts';

/** The graph as text, in the form of Kafka Streams' `describe()`. */
export function describeGraph(
  nodes: readonly GraphNode[],
  subTopologies: readonly SubTopology[],
  applicationId: string,
): string {
  const nameOf = ({ from }: Edge): string => nodes[from]?.name ?? '';
  const lines = ['Topologies:'];
  for (const { id, nodes: members } of subTopologies) {
    lines.push(`   Sub-topology: ${String(id)}`);
    for (const node of members) {
      const [input, output] = [inputTopicOf(node), outputTopicOf(node)];
      if (input !== undefined) lines.push(`    Source: ${node.name} (topics: [${topicNameOf(input, applicationId)}])`);
      else if (output !== undefined)
        lines.push(`    Sink: ${node.name} (topic: ${topicNameOf(output, applicationId)})`);
      else
        lines.push(
          `    Processor: ${node.name} (stores: [${storesOf(node)
            .map(({ name }) => name)
            .join(', ')}])`,
        );
      if (output === undefined)
        lines.push(
          `      --> ${
            childrenOf(node, nodes)
              .map(({ name }) => name)
              .join(', ') || 'none'
          }`,
        );
      if (input === undefined)
        lines.push(`      <-- ${[...new Set(printedInputs(node, nodes).map(nameOf))].join(', ') || 'none'}`);
    }
    lines.push('');
  }
  let id = subTopologies.length;
  for (const node of nodes) {
    if (node.kind !== 'global-table') continue;
    const readers = childrenOf(node, nodes).map(({ name }) => name);
    lines.push(
      `   Sub-topology: ${String(id)} for global store (will not generate tasks)`,
      `    Source: ${node.name} (topics: [${node.topic}])`,
      `      --> ${readers.join(', ') || 'none'}`,
      '',
    );
    id += 1;
  }
  return lines.join('\n');
}

/** Those that read what could not be read come last. */
function childrenOf({ index }: GraphNode, nodes: readonly GraphNode[]): GraphNode[] {
  const readers = (ofDeadLetters: boolean): GraphNode[] =>
    nodes.filter((node) =>
      printedInputs(node, nodes).some(
        ({ from, carries }) => from === index && (carries === 'dead-letters') === ofDeadLetters,
      ),
    );
  return [...readers(false), ...readers(true)];
}

/** Late records stand beside their aggregation, behind what it reads. */
function printedInputs({ inputs }: GraphNode, nodes: readonly GraphNode[]): readonly Edge[] {
  return inputs.flatMap((edge) => (edge.carries === 'late' ? (nodes[edge.from]?.inputs ?? []) : edge));
}
