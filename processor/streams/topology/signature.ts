import { hasChangelog, type StoreSpec } from '../store/typed-store.ts';
import type { TopicName } from './graph.ts';
import { stringSerde } from './serdes.ts';
import type { Topology } from './topology.ts';

/**
 * What of a topology is on disk and in the brokers, in words: `sub-topology 0 reads` to `user-login`. A release may
 * change all else (functions, filters, sinks, dead-letter topics, retention), and may add to this: stores, groupings,
 * sub-topologies. A change of what was there is another application.
 */
export type TopologySignature = Readonly<Record<string, string>>;

const SERDE = 'serde of ';
const PARTIALS = 'the partials of ';
const REPARTITIONS = / repartitions$/;
const READS = / reads$/;
const STORE = 'store ';

export function topologySignature({ subTopologies }: Topology): TopologySignature {
  return Object.fromEntries([
    ...subTopologies.flatMap(({ id, sources, stores, writesGroupings }) => {
      const name = `sub-topology ${String(id)}`;
      return [
        [`${name} reads`, [...sources].map(sourceText).sort().join(', ')],
        [`${name} repartitions`, [...writesGroupings].sort().join(', ') || NOTHING],
        ...stores.flatMap((store) => [
          [`${STORE}${store.name}`, `${storeText(store)}, in ${name}`],
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
  for (const part of Object.keys(before).sort()) {
    const [was, is] = [before[part] as string, now[part]];
    // A serde without a name says nothing.
    if (was === is || (part.startsWith(SERDE) && is === undefined)) continue;
    if (is !== undefined && isAddition(part, was, is, before)) continue;
    return `${part}: ${was} before, ${is ?? 'none'} now`;
  }
  return null;
}

/** Whether all that was there is there, and the rest is new. */
function isAddition(part: string, was: string, is: string, before: TopologySignature): boolean {
  if (REPARTITIONS.test(part)) return groupingsIn(was).every((grouping) => groupingsIn(is).includes(grouping));
  if (!part.startsWith(PARTIALS)) return false;
  // A store that is new shares the partials of others from now on.
  const old = is
    .split(', ')
    .map((stores) => stores.split(' and ').filter((store) => `${STORE}${store}` in before))
    .filter((stores) => stores.length > 0)
    .map((stores) => stores.join(' and '));
  return old.sort().join(', ') === was;
}

const NOTHING = 'nothing';

function groupingsIn(text: string): string[] {
  return text === NOTHING ? [] : text.split(', ');
}

/** What an application of this signature has: its stores with changelogs, its groupings, what it reads. */
export function namesIn(signature: TopologySignature): {
  readonly logged: ReadonlySet<string>;
  readonly groupings: ReadonlySet<string>;
  readonly topics: ReadonlySet<string>;
  readonly subTopologies: number;
} {
  const parts = Object.entries(signature);
  return {
    logged: new Set(
      parts.flatMap(([part, text]) =>
        part.startsWith(STORE) && !text.includes(WITHOUT_CHANGELOG) ? part.slice(STORE.length) : [],
      ),
    ),
    groupings: new Set(parts.flatMap(([part, text]) => (REPARTITIONS.test(part) ? groupingsIn(text) : []))),
    topics: new Set(parts.flatMap(([part, text]) => (READS.test(part) ? text.split(', ') : []))),
    subTopologies: parts.filter(([part]) => READS.test(part)).length,
  };
}

const WITHOUT_CHANGELOG = ', without a changelog';
const SIGNED_STORE = /^(.+?)(, without a changelog)?, in (sub-topology \d+)$/;
const SIGNED_WINDOWS = /^windows of (\S+) ms every (\S+) ms(, with duplicates)?$/;
const SIGNED_KINDS = ['key-value', 'window', 'session', 'versioned'] as const satisfies readonly StoreSpec['kind'][];
const REPARTITION_TOPIC = 'the repartition topic ';

/** A store as a signature has it. */
export interface SignedStore {
  /** In the signature's own words: `windows of 60000 ms every 60000 ms`. */
  readonly text: string;
  /** Undefined: a later release has written it, and this one does not know such stores. */
  readonly kind: StoreSpec['kind'] | undefined;
  /** Of windows. */
  readonly windowSizeMs: number | undefined;
  readonly windowAdvanceMs: number | undefined;
  readonly retainDuplicates: boolean;
  readonly hasChangelog: boolean;
  /** Whose tasks process it; undefined where the text does not say so. */
  readonly subTopology: number | undefined;
  /** The topics that its sub-topology reads, without repartition topics. */
  readonly topics: readonly string[];
  readonly readsRepartitionTopics: boolean;
  /** What the serdes call what they write; undefined where one has no name, and for keys that are text. */
  readonly keyFormat: string | undefined;
  readonly valueFormat: string | undefined;
}

/** The stores of a signature by their names. */
export function storesIn(signature: TopologySignature): ReadonlyMap<string, SignedStore> {
  return new Map(
    Object.entries(signature).flatMap(([part, text]): [string, SignedStore][] => {
      if (!part.startsWith(STORE)) return [];
      const name = part.slice(STORE.length);
      const [, kindAndWindows = text, withoutChangelog, home = ''] = SIGNED_STORE.exec(text) ?? [];
      const [isWindow, sizeMs, advanceMs, duplicates] = SIGNED_WINDOWS.exec(kindAndWindows) ?? [];
      const reads = (signature[`${home} reads`] ?? '').split(', ').filter((source) => source !== '');
      const topics = reads.filter((source) => !source.startsWith(REPARTITION_TOPIC));
      const store: SignedStore = {
        text: kindAndWindows,
        kind: isWindow === undefined ? SIGNED_KINDS.find((kind) => kind === kindAndWindows) : 'window',
        windowSizeMs: sizeMs === undefined ? undefined : Number(sizeMs),
        windowAdvanceMs: advanceMs === undefined ? undefined : Number(advanceMs),
        retainDuplicates: duplicates !== undefined,
        hasChangelog: withoutChangelog === undefined,
        subTopology: numberIn(home),
        topics,
        readsRepartitionTopics: topics.length < reads.length,
        keyFormat: signature[`${SERDE}the keys of store ${name}`],
        valueFormat: signature[`${SERDE}store ${name}`],
      };
      return [[name, store]];
    }),
  );
}

/** The number at the end of `sub-topology 0`. */
function numberIn(home: string): number | undefined {
  const [digits] = /\d+$/.exec(home) ?? [];
  return digits === undefined ? undefined : Number(digits);
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

export function sourceText(source: TopicName): string {
  return 'topic' in source ? source.topic : `${REPARTITION_TOPIC}${source.grouping}`;
}

function storeText(spec: StoreSpec): string {
  return hasChangelog(spec) ? kindText(spec) : `${kindText(spec)}${WITHOUT_CHANGELOG}`;
}

function kindText({ kind, windowSizeMs, windowAdvanceMs, retainDuplicates = false }: StoreSpec): string {
  if (windowSizeMs === undefined) return kind;
  const windows = `windows of ${String(windowSizeMs)} ms every ${String(windowAdvanceMs ?? windowSizeMs)} ms`;
  return retainDuplicates ? `${windows}, with duplicates` : windows;
}
