import { plainSource } from '../tables/row-view.ts';
import type { TablesContext } from '../tables/tables-context.ts';

/** Resolvers as an application gives them: by type, then by field. */
type GivenResolvers = Readonly<Record<string, unknown>>;

type AnyResolver = (source: unknown, args: unknown, context: unknown, info: unknown) => unknown;

/**
 * The same resolvers, each of which finds the tables in its context: as the viewer of the operation may see them,
 * whichever server has made that context.
 */
export function withTables(resolvers: object, contextOf: (context: unknown) => TablesContext): GivenResolvers {
  const wrap = (resolver: unknown): unknown => {
    if (typeof resolver !== 'function') return isFieldObject(resolver) ? wrapAll(resolver, wrap) : resolver;
    const given = resolver as AnyResolver;
    const wrapped: AnyResolver = (source, args, context, info) =>
      given(plainSource(source), args, contextWith(context, contextOf), info);
    return wrapped;
  };
  return Object.fromEntries(
    Object.entries(resolvers).map(([type, fields]) => [type, isTypeObject(fields) ? wrapAll(fields, wrap) : fields]),
  );
}

function wrapAll(fields: object, wrap: (resolver: unknown) => unknown): object {
  return Object.fromEntries(
    // What names a type of an interface is asked with other arguments.
    Object.entries(fields).map(([name, resolver]) => [name, name.startsWith('__') ? resolver : wrap(resolver)]),
  );
}

/** A scalar is an object of its own class; the fields of a type are a plain one. */
function isTypeObject(fields: unknown): fields is object {
  return typeof fields === 'object' && fields !== null && Object.getPrototypeOf(fields) === Object.prototype;
}

function isFieldObject(resolver: unknown): resolver is object {
  return isTypeObject(resolver) && ('subscribe' in resolver || 'resolve' in resolver);
}

/** Marks what was put into a context here: what an application has put there is left as it is. */
const GIVEN_HERE = Symbol('tables as the viewer of an operation may see them');

/**
 * A context is copied, and stood above, by who asks for another viewer: neither gets the tables of the first one.
 */
function contextWith(context: unknown, contextOf: (context: unknown) => TablesContext): unknown {
  const given: { readonly tables?: unknown } = typeof context === 'object' && context !== null ? context : {};
  const { tables } = contextOf(given);
  const found = given.tables;
  const isOfApplication = typeof found === 'object' && found !== null ? !(GIVEN_HERE in found) : found !== undefined;
  if (found === tables || isOfApplication) return given;
  if (!(GIVEN_HERE in tables)) Object.defineProperty(tables, GIVEN_HERE, { value: true });
  // Not one of those that a copy takes along.
  const property = { value: tables, configurable: true, writable: true, enumerable: false };
  if (Reflect.defineProperty(given, 'tables', property)) return given;
  return Object.create(given, { tables: property }) as unknown;
}
