import { z } from 'zod';

type Schema = z.core.$ZodType;

/** A schema without what is wrapped around it: `.optional()`, `.default()`, `.readonly()` and the like. */
export interface Unwrapped {
  /** From the outermost wrapper to what they hold. */
  readonly layers: readonly Schema[];
  readonly inner: z.core.$ZodTypes;
  /** Whether a value that was checked can be null or absent. */
  readonly nullable: boolean;
}

export function unwrap(schema: Schema): Unwrapped {
  const layers: Schema[] = [];
  let nullable = false;
  // What is absent inside of a default is there outside of it; null stays null.
  let isThere = false;
  for (let layer = schema as z.core.$ZodTypes; ;) {
    layers.push(layer);
    const { def } = layer._zod;
    switch (def.type) {
      case 'optional':
        nullable ||= !isThere;
        break;
      case 'nullable':
        nullable = true;
        break;
      case 'default':
      case 'prefault':
      case 'nonoptional':
        isThere = true;
        break;
      case 'readonly':
      case 'catch':
        break;
      default:
        return { layers, inner: layer, nullable };
    }
    layer = def.innerType as z.core.$ZodTypes;
  }
}

/** What `.describe()` or `.meta({ description })` says, of the outermost layer that says something. */
export function descriptionOf(layers: readonly Schema[]): string | undefined {
  for (const layer of layers) {
    const description = z.globalRegistry.get(layer)?.description?.trim();
    if (description !== undefined && description !== '') return description;
  }
  return undefined;
}

/** A name that was given by `.meta({ id })`, and the schema that it was given to. */
export interface GivenName {
  readonly id: string;
  readonly holder: Schema;
}

/**
 * The innermost name: of the type itself rather than of a wrapper. What was made from a schema by a check or a
 * description is still that schema.
 */
export function givenName(layers: readonly Schema[]): GivenName | undefined {
  for (const layer of layers.toReversed()) {
    for (const holder of lineage(layer)) {
      const id = z.globalRegistry.get(holder)?.id;
      if (id !== undefined) return { id, holder };
    }
  }
  return undefined;
}

/** The schema that checks, descriptions and names were added to. Two of one root have one shape. */
export function rootOf(schema: Schema): Schema {
  return lineage(schema).at(-1) ?? schema;
}

function lineage(schema: Schema): Schema[] {
  const schemas: Schema[] = [];
  for (let next: Schema | undefined = schema; next !== undefined; next = next._zod.parent) schemas.push(next);
  return schemas;
}

/** The definitions of all checks of a schema; a format such as `z.int()` is a check of its own. */
export function checksOf(schema: Schema): readonly z.core.$ZodChecks[] {
  const { def } = schema._zod;
  const checks: readonly unknown[] = ['check' in def ? [schema] : [], def.checks ?? []].flat();
  return checks as readonly z.core.$ZodChecks[];
}

/** Whether this is a schema of zod 4, of either of its packages. */
export function isSchema(value: unknown): value is Schema {
  if (typeof value !== 'object' || value === null || !('_zod' in value)) return false;
  const { _zod } = value;
  return typeof _zod === 'object' && _zod !== null && 'def' in _zod;
}

/** Why something is no schema, as the end of a sentence. */
export function noSchema(value: unknown): string {
  const isOld = typeof value === 'object' && value !== null && '_def' in value;
  return isOld ? 'is a schema of zod 3: make it with zod 4' : 'is no zod schema';
}
