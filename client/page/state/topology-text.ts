/** A topology's description, in the form of Kafka Streams' describe(), taken apart. */

export interface TopologyNode {
  readonly name: string;
  readonly kind: 'source' | 'processor' | 'sink';
  /** Topics that it reads, or the one that it writes. */
  readonly topics: readonly string[];
  readonly stores: readonly string[];
  /** Names of the nodes behind it. */
  readonly to: readonly string[];
}

export interface SubTopology {
  /** Its number, as tasks are named by. */
  readonly id: string;
  /** Of a global table: it has no tasks. */
  readonly isGlobal: boolean;
  readonly nodes: readonly TopologyNode[];
}

const SUB_TOPOLOGY = /^\s*Sub-topology: (\d+)(.*)$/;
const NODE = /^\s*(Source|Processor|Sink): (.+?) \((?:topics?|stores|extractor class): (.*)\)\s*$/;
const ARROW = /^\s*--> (.*)$/;

function names(list: string): string[] {
  return list
    .replace(/^\[(.*)\]$/, '$1')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none');
}

/** Lines that it does not understand are left out. */
export function parseTopology(text: string): readonly SubTopology[] {
  const parts: { id: string; isGlobal: boolean; nodes: (TopologyNode & { to: string[] })[] }[] = [];
  for (const line of text.split('\n')) {
    const part = SUB_TOPOLOGY.exec(line);
    if (part) {
      parts.push({ id: part[1] ?? '', isGlobal: (part[2] ?? '').includes('global store'), nodes: [] });
      continue;
    }
    const nodes = parts.at(-1)?.nodes;
    const node = NODE.exec(line);
    const arrow = ARROW.exec(line);
    if (node && nodes) {
      const [, kind = '', name = '', list = ''] = node;
      nodes.push({
        name,
        kind: kind === 'Source' ? 'source' : kind === 'Sink' ? 'sink' : 'processor',
        topics: kind === 'Processor' ? [] : names(list),
        stores: kind === 'Processor' ? names(list) : [],
        to: [],
      });
    } else if (arrow) nodes?.at(-1)?.to.push(...names(arrow[1] ?? ''));
  }
  return parts;
}
