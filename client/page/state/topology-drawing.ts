/** Where everything of a topology lies on its drawing, in CSS pixels. */
import { layOut } from './layers.ts';
import type { Box, Gaps, Place } from './layers.ts';
import type { SubTopology, TopologyNode } from './topology-text.ts';

interface Drawn extends Place {
  readonly width: number;
  readonly height: number;
}

export interface DrawnNode extends Drawn {
  readonly node: TopologyNode;
  /** Its name as far as it has room. */
  readonly label: string;
  readonly stores: readonly string[];
}

export interface DrawnPart extends Drawn {
  readonly part: SubTopology;
  readonly nodes: readonly DrawnNode[];
}

export interface DrawnTopic extends Drawn {
  readonly name: string;
  readonly label: string;
}

export interface TopologyDrawing {
  readonly width: number;
  readonly height: number;
  readonly parts: readonly DrawnPart[];
  readonly topics: readonly DrawnTopic[];
  /** Each as the points that it passes, from its start to its end. */
  readonly edges: readonly (readonly Place[])[];
}

/** Of letters of 12 pixels; capitals and digits, which names of nodes are full of, are wider. */
const LETTER_PX = 7;
const CAPITAL_PX = 8.2;
const NODE_PADDING_PX = 22;
const MOST_LETTERS = 30;
const NODE_HEIGHT_PX = 28;
export const STORE_HEIGHT_PX = 18;
/** Around the nodes of a sub-topology; above them stands its title. */
const PART_PADDING_PX = 14;
export const PART_TITLE_PX = 24;
const TOPIC_HEIGHT_PX = 26;
const NODE_GAPS: Gaps = { across: 18, down: 26 };
const PART_GAPS: Gaps = { across: 32, down: 36 };
/** Half of a line's width, so that none is cut off at the edge of the drawing. */
const MARGIN_PX = 2;

/** A name with its middle left out where it is too long: names of nodes differ at their ends. */
export function shortened(name: string, most = MOST_LETTERS): string {
  if (name.length <= most) return name;
  const end = Math.ceil((most - 1) / 2);
  return `${name.slice(0, most - 1 - end)}…${name.slice(-end)}`;
}

function widthOf(label: string): number {
  const capitals = label.match(/[A-Z\d]/g)?.length ?? 0;
  return Math.ceil(capitals * CAPITAL_PX + (label.length - capitals) * LETTER_PX + NODE_PADDING_PX);
}

function boxOf({ name, stores, kind }: TopologyNode): Box {
  return {
    width: Math.max(...[name, ...stores].map((text) => widthOf(shortened(text)))),
    height: NODE_HEIGHT_PX + stores.length * STORE_HEIGHT_PX,
    last: kind === 'sink',
  };
}

interface PartLayout {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly (readonly Place[])[];
  readonly width: number;
  readonly height: number;
}

/** The nodes of one sub-topology, below its title. */
function layOutPart({ nodes, id }: SubTopology): PartLayout {
  const boxes = new Map(nodes.map((node) => [node.name, boxOf(node)]));
  const edges = nodes.flatMap(({ name, to }) => to.map((target) => [name, target] as const));
  const layout = layOut(boxes, edges, NODE_GAPS);
  const at = ({ x, y }: Place): Place => ({ x: x + PART_PADDING_PX, y: y + PART_TITLE_PX + PART_PADDING_PX / 2 });
  const drawn = nodes.map((node): DrawnNode => {
    const { width = 0, height = 0 } = boxes.get(node.name) ?? {};
    return {
      ...at(layout.places.get(node.name) ?? { x: 0, y: 0 }),
      width,
      height,
      node,
      label: shortened(node.name),
      stores: node.stores.map((store) => shortened(store)),
    };
  });
  const byName = new Map(drawn.map((node) => [node.node.name, node]));
  return {
    nodes: drawn,
    edges: edges.flatMap(([from, to], index) => {
      const [start, end] = [byName.get(from), byName.get(to)];
      return start && end ? [[bottomOf(start), ...(layout.bends[index] ?? []).map(at), topOf(end)]] : [];
    }),
    width: Math.max(layout.width, widthOf(`Sub-topology ${id}`)) + 2 * PART_PADDING_PX,
    height: layout.height + PART_TITLE_PX + 1.5 * PART_PADDING_PX,
  };
}

function topOf({ x, y, width }: Drawn): Place {
  return { x: x + width / 2, y };
}

function bottomOf({ x, y, width, height }: Drawn): Place {
  return { x: x + width / 2, y: y + height };
}

/** Sub-topologies and the topics between them, from what is read down to what is written. */
export function drawTopology(subTopologies: readonly SubTopology[]): TopologyDrawing {
  const inner = subTopologies.map(layOutPart);
  const topics = [...new Set(subTopologies.flatMap(({ nodes }) => nodes.flatMap((node) => node.topics)))];
  const boxes = new Map<string, Box>([
    ...topics.map((name) => [`topic ${name}`, topicBox(name)] as const),
    ...inner.map(({ width, height }, index) => [`part ${index}`, { width, height }] as const),
  ]);
  const between = subTopologies.flatMap(({ nodes }, index) =>
    nodes.flatMap(({ name, kind, topics: own }) =>
      own.map((topic) => ({ topic: `topic ${topic}`, part: `part ${index}`, index, name, reads: kind === 'source' })),
    ),
  );
  const layout = layOut(
    boxes,
    between.map(({ topic, part, reads }) => (reads ? ([topic, part] as const) : ([part, topic] as const))),
    PART_GAPS,
  );
  const placed = (id: string): Drawn => {
    const { x, y } = layout.places.get(id) ?? { x: 0, y: 0 };
    const { width, height } = boxes.get(id) ?? { width: 0, height: 0 };
    return { x: x + MARGIN_PX, y: y + MARGIN_PX, width, height };
  };
  const parts = subTopologies.map((part, index): DrawnPart => {
    const place = placed(`part ${index}`);
    return { ...place, part, nodes: (inner[index]?.nodes ?? []).map((node) => moved(node, place)) };
  });
  const outer = between.flatMap(({ topic, index, name, reads }, edge): (readonly Place[])[] => {
    const node = parts[index]?.nodes.find((drawn) => drawn.node.name === name);
    if (node === undefined) return [];
    const bends = (layout.bends[edge] ?? []).map(({ x, y }) => ({ x: x + MARGIN_PX, y: y + MARGIN_PX }));
    const drawn = placed(topic);
    return [reads ? [bottomOf(drawn), ...bends, topOf(node)] : [bottomOf(node), ...bends, topOf(drawn)]];
  });
  const within = inner.flatMap(({ edges }, index) => {
    const place = placed(`part ${index}`);
    return edges.map((points) => points.map((point) => moved(point, place)));
  });
  return {
    width: layout.width + 2 * MARGIN_PX,
    height: layout.height + 2 * MARGIN_PX,
    parts,
    topics: topics.map((name) => ({ ...placed(`topic ${name}`), name, label: shortened(name) })),
    edges: [...within, ...outer],
  };
}

function topicBox(name: string): Box {
  return { width: widthOf(shortened(name)), height: TOPIC_HEIGHT_PX };
}

function moved<T extends Place>(place: T, { x, y }: Place): T {
  return { ...place, x: place.x + x, y: place.y + y };
}

/** A line through points that begins and ends upright. */
export function pathOf(points: readonly Place[]): string {
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (before === undefined) return `M${round(x)} ${round(y)}`;
      const middle = round((before.y + y) / 2);
      return `C${round(before.x)} ${middle} ${round(x)} ${middle} ${round(x)} ${round(y)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
