import type { z } from 'zod';
import { isSchema, unwrap } from './zod-layers.ts';

type Schema = z.core.$ZodType;

export function isDiscriminated(def: z.core.$ZodUnionDef): def is z.core.$ZodDiscriminatedUnionDef {
  return 'discriminator' in def && typeof def.discriminator === 'string';
}

/** The members; one may be another union by the same field, whose members they are then. */
export function flattened(options: readonly Schema[], discriminator: string): readonly Schema[] {
  return options.flatMap((option) => {
    const { def } = (option as z.core.$ZodTypes)._zod;
    return def.type === 'union' && isDiscriminated(def) && def.discriminator === discriminator
      ? flattened(def.options, discriminator)
      : [option];
  });
}

/** The text that the discriminator has in a member; none where it is something else, or may be absent. */
export function discriminating(member: z.core.$ZodTypes, discriminator: string): readonly string[] {
  const { def } = member._zod;
  if (def.type !== 'object') return [];
  const field: unknown = Object.hasOwn(def.shape, discriminator) ? def.shape[discriminator] : undefined;
  if (!isSchema(field)) return [];
  const { inner, nullable } = unwrap(field);
  const { def: of } = inner._zod;
  const values = of.type === 'literal' ? of.values : of.type === 'enum' ? Object.values(of.entries) : [];
  return !nullable && values.every((value) => typeof value === 'string') ? [...new Set(values)] : [];
}
