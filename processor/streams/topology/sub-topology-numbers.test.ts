import { expect, test } from '@jest/globals';
import { stringSerde } from './serdes.ts';
import { signatureMismatch, topologySignature, type TopologySignature } from './signature.ts';
import { StreamsBuilder } from './streams-builder.ts';
import { renumbered, subTopologyNumbers } from './sub-topology-numbers.ts';
import type { Topology } from './topology.ts';

type Part = (builder: StreamsBuilder) => void;

const words: Part = (builder) =>
  void builder
    .stream('words', { value: stringSerde })
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'words' });
const lines: Part = (builder) => void builder.stream('lines', { value: stringSerde }).to('copied');
const clicks: Part = (builder) =>
  void builder.stream('clicks', { value: stringSerde }).groupByKey().count({ store: 'clicks' });

function build(...parts: readonly Part[]): Topology {
  const builder = new StreamsBuilder();
  for (const part of parts) part(builder);
  return builder.build();
}

/** As an application with this record starts with another release. */
function started(before: TopologySignature | undefined, topology: Topology): Topology {
  return renumbered(topology, subTopologyNumbers(topology, before));
}

const reads = ({ subTopologies }: Topology): string[] =>
  subTopologies.map(({ id, sources }) => `${String(id)} ${sources.map((from) => Object.values(from)).join()}`);

test('statements in another order mean the same: every sub-topology keeps its number', () => {
  const before = topologySignature(build(words, lines, clicks));
  for (const order of [
    [lines, clicks, words],
    [clicks, words, lines],
    [words, clicks, lines],
  ]) {
    const now = started(before, build(...order));
    expect(reads(now)).toEqual(['0 words', '1 by-word', '2 lines', '3 clicks']);
    expect(signatureMismatch(before, topologySignature(now))).toBeNull();
    expect(now.describe('app')).toMatch(/Sub-topology: 0\n\s+Source: \S+ \(topics: \[words\]\)/);
  }
});

test('what is new gets the next numbers, wherever it is declared', () => {
  const before = topologySignature(build(words));
  const now = started(before, build(clicks, lines, words));
  expect(reads(now)).toEqual(['0 words', '1 by-word', '2 clicks', '3 lines']);
  expect(signatureMismatch(before, topologySignature(now))).toBeNull();
});

test('what is gone is another application', () => {
  const before = topologySignature(build(words, lines));
  const now = started(before, build(lines));
  expect(signatureMismatch(before, topologySignature(now))).toMatch(
    /^store words: .* before, none now$|sub-topology 0/,
  );
});

test('what reads one more topic is known by its store: the refusal says what has changed, whatever the order', () => {
  const before = topologySignature(build(words, clicks));
  const tapsToo: Part = (builder) =>
    void builder.stream(['clicks', 'taps'], { value: stringSerde }).groupByKey().count({ store: 'clicks' });
  const now = started(before, build(tapsToo, words));
  expect(reads(now)).toEqual(['0 words', '1 by-word', '2 clicks,taps']);
  expect(signatureMismatch(before, topologySignature(now))).toBe(
    'sub-topology 2 reads: clicks before, clicks, taps now',
  );
});

test('the first start numbers as built', () => {
  expect(reads(started(undefined, build(clicks, words)))).toEqual(['0 clicks', '1 words', '2 by-word']);
});
