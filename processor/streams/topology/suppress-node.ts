import type { WindowedShape } from './dsl-context.ts';
import { heldRowSerde } from './held-row.ts';
import type { Edge, NodeDeclaration, SuppressNode } from './graph.ts';
import { bytesSerde } from './primitive-serdes.ts';
import type { Serde } from './serdes.ts';
import { closesMs, unlimited } from './windows.ts';

/** A node that holds back the rows of the table that its inputs lead to, in a store of this name. */
export function suppressNode(
  inputs: readonly Edge[],
  { held, ...node }: Pick<SuppressNode, 'key' | 'value' | 'keepsNewest' | 'until'> & { readonly held: string },
): NodeDeclaration {
  return {
    kind: 'table-suppress',
    ...node,
    held: {
      name: held,
      kind: 'key-value',
      key: bytesSerde as unknown as Serde<Buffer>,
      serde: heldRowSerde,
      indexed: true,
    },
    inputs,
  };
}

/** Of a table whose windows are not known, which is refused, windows that never close. */
export function closingOf(windowed: WindowedShape | undefined): WindowedShape {
  return windowed ?? { windows: unlimited(), stores: [] };
}

/** The windows of two tables as one: a row can change until those of both are closed. */
export function joinedWindows(
  left: WindowedShape | undefined,
  right: WindowedShape | undefined,
): WindowedShape | undefined {
  if (left === undefined || right === undefined) return undefined;
  const windows = closesMs(right.windows, 0) > closesMs(left.windows, 0) ? right.windows : left.windows;
  return { windows, stores: [...new Set([...left.stores, ...right.stores])] };
}
