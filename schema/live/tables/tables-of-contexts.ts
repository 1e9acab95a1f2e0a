import type { TablesContext } from './tables-context.ts';

/**
 * Returns the function that says what an operation may see of the tables, made once for each context. It lies in the
 * context itself, where a copy of the context does not get it: a copy may be another viewer's. What a WeakMap has of a
 * context lives until V8's next collection of all objects, long after the operation.
 */
export function tablesOfContexts(make: (viewer: unknown) => TablesContext): (context: unknown) => TablesContext {
  const place = Symbol('what an operation may see of the tables');
  const unwritable = new WeakMap<object, TablesContext>();
  return (context) => {
    if (typeof context !== 'object' || context === null) return make(undefined);
    const { [place]: known, viewer } = context as { readonly [place]?: TablesContext; readonly viewer?: unknown };
    if (known !== undefined) return known;
    if (Object.isExtensible(context)) {
      const made = make(viewer);
      Object.defineProperty(context, place, { value: made });
      return made;
    }
    const made = unwritable.get(context) ?? make(viewer);
    unwritable.set(context, made);
    return made;
  };
}
