import { textOf } from '../options.ts';
import type { StoreSpec } from '../store/typed-store.ts';
import type { Joiner, JoinKind, NodeDeclaration, Edge, JoinSide } from './graph.ts';
import { heldRecordSerde } from './held-record.ts';
import { keptFor, type JoinWindows } from './join-windows.ts';
import { bytesSerde } from './primitive-serdes.ts';
import type { Serde } from './serdes.ts';
import { unmatchedSerde } from './unmatched-record.ts';

export interface DeclaredStreamJoin {
  readonly joins: JoinKind;
  readonly joiner: Joiner;
  readonly name: string;
  readonly windows: JoinWindows;
  readonly key: Serde<unknown>;
  /** Of the values. */
  readonly serdes: Readonly<Record<JoinSide, Serde<unknown>>>;
  readonly inputs: readonly Edge[];
}

/** A join of two streams, and its stores: `<name>-left`, `<name>-right`, `<name>-outer` of what has met nothing. */
export function streamJoinNode({
  name,
  serdes,
  ...join
}: DeclaredStreamJoin): Extract<NodeDeclaration, { readonly kind: 'stream-stream-join' }> {
  const { beforeMs, afterMs } = join.windows;
  const windowSizeMs = Math.max(1, beforeMs + afterMs);
  const rows = (side: JoinSide): StoreSpec => ({
    name: `${name}-${side}`,
    kind: 'window',
    key: join.key,
    serde: serdes[side],
    windowSizeMs,
    retentionMs: keptFor(join.windows) - windowSizeMs,
    retainDuplicates: true,
    indexed: true,
  });
  const outer: StoreSpec = {
    name: `${name}-outer`,
    kind: 'key-value',
    key: bytesSerde as Serde<unknown>,
    serde: unmatchedSerde(serdes.left, serdes.right) as Serde<unknown>,
    indexed: true,
  };
  return {
    kind: 'stream-stream-join',
    ...join,
    left: rows('left'),
    right: rows('right'),
    unmatched: join.joins === 'inner' ? undefined : outer,
  };
}

/** Records that wait to be joined with a table. */
export function heldStore(name: string, values: Serde<unknown>): StoreSpec {
  return {
    name: `${name}-buffer`,
    kind: 'key-value',
    key: bytesSerde as Serde<unknown>,
    serde: heldRecordSerde(values) as Serde<unknown>,
    indexed: true,
  };
}

/** Why records cannot wait to be joined with a table, in words; undefined: they can. */
export function findGraceProblem(
  what: string,
  { name, graceMs }: { readonly name: string | undefined; readonly graceMs: number },
  { kind, historyMs }: Pick<StoreSpec, 'kind' | 'historyMs'>,
): string | undefined {
  if (!Number.isSafeInteger(graceMs) || graceMs < 0)
    return `graceMs of ${what} is a whole number of milliseconds, 0 or more, not ${textOf(graceMs)}`;
  if (typeof name !== 'string')
    return `${what} needs a name, { name: … }: with graceMs its records wait in a store that is named after it`;
  if (kind !== 'versioned')
    return (
      `${what} has graceMs, and the table does not know what was valid when: give it a versioned store, ` +
      `table(topic, { store: versionedStore(…) })`
    );
  return Number(historyMs) < graceMs
    ? `${what} waits for ${String(graceMs)} ms, and the history of the table is ${String(historyMs)} ms long: ` +
        `records would find nothing. Give the table a longer one`
    : undefined;
}
