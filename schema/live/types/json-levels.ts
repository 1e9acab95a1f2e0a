import type { z } from 'zod';
import { unwrap } from './zod-layers.ts';

/** JSON in a value has at most so many levels: to write more of them as text recurses, and would end each answer. */
export const MOST_JSON_LEVELS = 100;

/** Whether a schema has JSON in it, whose depth nothing else bounds. */
export function holdsJson(schema: z.core.$ZodType): boolean {
  const { def } = unwrap(schema).inner._zod;
  switch (def.type) {
    case 'any':
    case 'unknown':
    case 'record':
      return true;
    case 'array':
      return holdsJson(def.element);
    case 'tuple':
      return [...def.items, ...(def.rest === null ? [] : [def.rest])].some(holdsJson);
    case 'object':
      return def.catchall !== undefined || Object.values(def.shape).some(holdsJson);
    case 'union':
      return def.options.some(holdsJson);
    default:
      return false;
  }
}

/** Whether data is nested in more levels than JSON may have. It does not recurse. */
export function isTooDeep(data: unknown): boolean {
  let level: unknown[] = [data];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_JSON_LEVELS) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}
