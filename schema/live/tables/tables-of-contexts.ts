import type { TablesContext } from './tables-context.ts';

interface Known {
  readonly context: object;
  readonly tables: TablesContext;
}

/**
 * Returns the function that says what an operation may see of the tables, made once for each context. It lies in the
 * context itself, where neither a copy of the context gets it nor an object above it: both may be another viewer's.
 * What a WeakMap has of a context lives until V8's next collection of all objects, long after the operation.
 */
export function tablesOfContexts(make: (viewer: unknown) => TablesContext): (context: unknown) => TablesContext {
  const place = Symbol('what an operation may see of the tables');
  const unwritable = new WeakMap<object, TablesContext>();
  return (context) => {
    if (typeof context !== 'object' || context === null) return make(undefined);
    const { [place]: known, viewer } = context as { readonly [place]?: Known; readonly viewer?: unknown };
    if (known?.context === context) return known.tables;
    const before = unwritable.get(context);
    if (before !== undefined) return before;
    const tables = make(viewer);
    const value: Known = { context, tables };
    if (!Reflect.defineProperty(context, place, { value })) unwritable.set(context, tables);
    return tables;
  };
}
