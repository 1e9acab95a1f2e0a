import { hasChangelog, type StoreSpec } from '../store/typed-store.ts';
import type { TopicName } from './graph.ts';
import { stringSerde } from './serdes.ts';
import type { Topology } from './topology.ts';

/**
 * What of a topology is on disk and in the brokers, in words: `sub-topology 0 reads` to `user-login`. A release may
 * change all else (functions, filters, sinks, dead-letter topics, retention); a change of this is another application.
 */
export type TopologySignature = Readonly<Record<string, string>>;

const SERDE = 'serde of ';
const PARTIALS = 'the partials of ';

export function topologySignature({ subTopologies }: Topology): TopologySignature {
  return Object.fromEntries([
    ...subTopologies.flatMap(({ id, sources, stores, writesGroupings }) => {
      const name = `sub-topology ${String(id)}`;
      return [
        [`${name} reads`, [...sources].map(sourceText).sort().join(', ')],
        [`${name} repartitions`, [...writesGroupings].sort().join(', ') || 'nothing'],
        ...stores.flatMap((store) => [
          [`store ${store.name}`, `${storeText(store)}, in ${name}`],
          ...(store.serde.format === undefined ? [] : [[`${SERDE}store ${store.name}`, store.serde.format]]),
          ...(store.key?.format === undefined || store.key === stringSerde
            ? []
            : [[`${SERDE}the keys of store ${store.name}`, store.key.format]]),
        ]),
      ];
    }),
    // mutant: partials-signed
    ...partialTexts(subTopologies),
  ]) as TopologySignature;
}

/** What differs, in words; null when an application of the one signature may go on where one of the other stopped. */
export function signatureMismatch(before: TopologySignature, now: TopologySignature): string | null {
  for (const part of [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()) {
    const [was, is] = [before[part], now[part]];
    // A serde without a name says nothing.
    if (was === is || (part.startsWith(SERDE) && (was === undefined || is === undefined))) continue;
    // A record of before partials were in it says nothing of them.
    if (part.startsWith(PARTIALS) && was === undefined) continue;
    return `${part}: ${was ?? 'none'} before, ${is ?? 'none'} now`;
  }
  return null;
}

/**
 * Which stores share one partial: what is on its way when a release changes that would go into others than it was made
 * for.
 */
function partialTexts(subTopologies: Topology['subTopologies']): [string, string][] {
  const shared = new Map<string, string[]>();
  for (const node of subTopologies.flatMap(({ nodes }) => nodes)) {
    if (node.kind !== 'combine') continue;
    const stores = node.feeds.map(({ store }) => store).sort();
    shared.set(node.grouping, [...(shared.get(node.grouping) ?? []), stores.join(' and ')]);
  }
  return [...shared].map(([grouping, texts]) => [`${PARTIALS}${grouping}`, texts.sort().join(', ')]);
}

function sourceText(source: TopicName): string {
  return 'topic' in source ? source.topic : `the repartition topic ${source.grouping}`;
}

function storeText(spec: StoreSpec): string {
  return hasChangelog(spec) ? kindText(spec) : `${kindText(spec)}, without a changelog`;
}

function kindText({ kind, windowSizeMs, windowAdvanceMs, retainDuplicates = false }: StoreSpec): string {
  if (windowSizeMs === undefined) return kind;
  const windows = `windows of ${String(windowSizeMs)} ms every ${String(windowAdvanceMs ?? windowSizeMs)} ms`;
  return retainDuplicates ? `${windows}, with duplicates` : windows;
}
