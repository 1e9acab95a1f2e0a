import type { StoreSpec } from '../store/typed-store.ts';
import type { Joiner, JoinKind, NodeDeclaration, Edge, JoinSide } from './graph.ts';
import type { JoinWindows } from './join-windows.ts';
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
  const { beforeMs, afterMs, graceMs } = join.windows;
  const windowSizeMs = Math.max(1, beforeMs + afterMs);
  const rows = (side: JoinSide): StoreSpec => ({
    name: `${name}-${side}`,
    kind: 'window',
    key: join.key,
    serde: serdes[side],
    windowSizeMs,
    // A record is kept while its time lies no further back than both spans and the grace, all inclusive.
    retentionMs: beforeMs + afterMs + graceMs + 1 - windowSizeMs,
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
