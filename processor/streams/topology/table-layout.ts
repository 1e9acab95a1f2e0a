import type { TableShape } from './dsl-context.ts';

/** How the newest rows of a table are kept: of a versioned one, what is made of it has no history. */
export function newestOf(layout: TableShape['layout']): TableShape['layout'] {
  return layout.kind !== 'versioned'
    ? layout
    : { kind: 'key-value', ...(layout.key === undefined ? {} : { key: layout.key }) };
}
