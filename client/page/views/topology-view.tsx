import { useId, useMemo, useState } from 'preact/hooks';
import { plural } from '../../shared/format.ts';
import { Section, Segmented } from '../../shared/views/parts.tsx';
import { drawTopology, PART_TITLE_PX, pathOf, STORE_HEIGHT_PX } from '../state/topology-drawing.ts';
import { parseTopology } from '../state/topology-text.ts';
import type { JSX } from 'preact';
import type { DrawnNode, DrawnPart, DrawnTopic } from '../state/topology-drawing.ts';
import type { SubTopology } from '../state/topology-text.ts';

const MODES = [
  { value: 'drawing', label: 'Drawing' },
  { value: 'text', label: 'Text' },
] as const;
type Mode = (typeof MODES)[number]['value'];

const BASELINE_PX = 18;
/** Where there is little room a drawing is drawn smaller, down to this; then it scrolls. */
const SMALLEST = 0.75;

function Node({ drawn }: { drawn: DrawnNode }): JSX.Element {
  const { x, y, width, height, node, label, stores } = drawn;
  return (
    <g class={`node node-${node.kind}`}>
      <title>{[node.name, ...node.stores.map((store) => `store ${store}`)].join(', ')}</title>
      <rect x={x} y={y} width={width} height={height} rx="5" />
      <text x={x + width / 2} y={y + BASELINE_PX}>
        {label}
      </text>
      {stores.map((store, index) => (
        <text key={store} class="store" x={x + width / 2} y={y + BASELINE_PX + (index + 1) * STORE_HEIGHT_PX}>
          {store}
        </text>
      ))}
    </g>
  );
}

/** The frame of a sub-topology; lines pass over it. */
function Frame({ drawn: { x, y, width, height, part } }: { drawn: DrawnPart }): JSX.Element {
  return <rect class="part" data-part={part.id} x={x} y={y} width={width} height={height} rx="8" />;
}

function Nodes({ drawn: { x, y, part, nodes } }: { drawn: DrawnPart }): JSX.Element {
  return (
    <g>
      <text class="part-title" x={x + 14} y={y + PART_TITLE_PX - 6}>
        {part.isGlobal ? 'Global table' : `Sub-topology ${part.id}`}
      </text>
      {nodes.map((node) => (
        <Node key={node.node.name} drawn={node} />
      ))}
    </g>
  );
}

function Topic({ drawn: { x, y, width, height, name, label } }: { drawn: DrawnTopic }): JSX.Element {
  return (
    <g class="topic" data-topic={name}>
      <title>{`topic ${name}`}</title>
      <rect x={x} y={y} width={width} height={height} rx={height / 2} />
      <text x={x + width / 2} y={y + BASELINE_PX - 1}>
        {label}
      </text>
    </g>
  );
}

/** What the drawing shows, in a sentence. */
function summaryOf(parts: readonly SubTopology[]): string {
  const nodes = parts.flatMap((part) => part.nodes);
  const stores = new Set(nodes.flatMap((node) => node.stores));
  const topics = new Set(nodes.flatMap((node) => node.topics));
  return (
    `${plural(parts.length, 'sub-topology', 'sub-topologies')}, ${plural(nodes.length, 'node')}, ` +
    `${plural(stores.size, 'store')}, ${plural(topics.size, 'topic')}. Records go from above to below.`
  );
}

function Drawing({ parts }: { parts: readonly SubTopology[] }): JSX.Element {
  const id = useId();
  const { width, height, parts: drawn, topics, edges } = useMemo(() => drawTopology(parts), [parts]);
  return (
    <div class="topology-scroll" tabIndex={0} role="region" aria-label="Topology, drawn">
      <svg
        class="topology-drawing"
        role="img"
        aria-labelledby={id}
        viewBox={`0 0 ${width} ${height}`}
        style={{ width: `clamp(${Math.round(width * SMALLEST)}px, 100%, ${width}px)` }}
      >
        <title id={id}>{`Topology: ${summaryOf(parts)}`}</title>
        <defs>
          <marker id="arrow" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6" orient="auto">
            <path d="M0 0 6 3 0 6z" />
          </marker>
        </defs>
        {drawn.map((part) => (
          <Frame key={part.part.id} drawn={part} />
        ))}
        {edges.map((points, index) => (
          <path key={index} class="edge" d={pathOf(points)} marker-end="url(#arrow)" />
        ))}
        {drawn.map((part) => (
          <Nodes key={part.part.id} drawn={part} />
        ))}
        {topics.map((topic) => (
          <Topic key={topic.name} drawn={topic} />
        ))}
      </svg>
    </div>
  );
}

/** The topology as a drawing, and as the text that it was made from. */
export function TopologyView({ text }: { text: string }): JSX.Element {
  const [mode, setMode] = useState<Mode>('drawing');
  const parts = useMemo(() => parseTopology(text), [text]);
  return (
    <Section
      id="topology"
      title="Topology"
      note={parts.length === 0 ? undefined : summaryOf(parts)}
      controls={
        parts.length === 0 ? undefined : (
          <Segmented label="How the topology is shown" options={MODES} value={mode} onChange={setMode} />
        )
      }
    >
      {parts.length === 0 && text.trim() === '' ? (
        <p class="quiet">No processor has reported its topology yet.</p>
      ) : mode === 'text' || parts.length === 0 ? (
        <pre class="topology-text" tabIndex={0} role="region" aria-label="Topology as text">
          {text}
        </pre>
      ) : (
        <Drawing parts={parts} />
      )}
    </Section>
  );
}
