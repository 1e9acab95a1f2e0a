import { z } from 'zod';
import type { ScalarName } from './type-model.ts';
import { checksOf } from './zod-layers.ts';

/** What a number is in GraphQL: by its formats, `z.int()` as well as `.int()`, and by its minimum. */
export function numberType(schema: z.core.$ZodType): ScalarName {
  const checks = checksOf(schema).map(({ _zod }) => _zod.def);
  const formats = checks.map((check) => ('format' in check ? check.format : undefined));
  if (formats.includes('int32')) return 'Int';
  if (formats.includes('uint32')) return 'Count';
  if (!formats.includes('safeint')) return 'Float';
  return checks.some((check) => check.check === 'greater_than' && leastWhole(check) >= 0) ? 'Count' : 'SafeInt';
}

/** The least whole number that a check for a minimum lets through. */
function leastWhole({ value, inclusive }: z.core.$ZodCheckGreaterThanDef): number {
  return inclusive ? Math.ceil(Number(value)) : Math.floor(Number(value)) + 1;
}

/** What text is in GraphQL, or why it has no type there, as the end of a sentence. */
export function textType(schema: z.core.$ZodType): { readonly name: ScalarName } | { readonly problem: string } {
  for (const check of checksOf(schema)) {
    if (check instanceof z.core.$ZodISODate) return { name: 'Date' };
    if (!(check instanceof z.core.$ZodISODateTime)) continue;
    const { local, precision } = check._zod.def;
    if (local === true)
      return { problem: 'is a local time, which is no instant: use z.iso.datetime({ offset: true }), or z.string()' };
    if (precision === -1)
      return { problem: 'is a time without seconds, which a DateTime has: use z.iso.datetime(), or z.string()' };
    return { name: 'DateTime' };
  }
  return { name: 'String' };
}
