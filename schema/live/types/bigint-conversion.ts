import type { z } from 'zod';
import { unwrap } from './zod-layers.ts';
import { discriminating, flattened, isDiscriminated } from './zod-union.ts';

type Convert = (value: unknown) => unknown;

/**
 * JSON has no bigint: it is read from text and from whole numbers. Answers what makes bigints of them wherever the
 * schema has one, or undefined when it has none, so that such values cost no walk. What it is given stays as it was.
 */
export function bigintConversion(schema: z.core.$ZodType): Convert | undefined {
  const { inner } = unwrap(schema);
  const { def } = inner._zod;
  switch (def.type) {
    case 'bigint':
      return asBigint;
    case 'array':
      return ofItems([], bigintConversion(def.element));
    case 'tuple':
      return ofItems(def.items.map(bigintConversion), def.rest === null ? undefined : bigintConversion(def.rest));
    case 'object':
      return ofObject(def);
    case 'union':
      return isDiscriminated(def) ? ofUnion(def) : undefined;
    default:
      return undefined;
  }
}

const WHOLE = /^-?\d+$/;

/** Numbers beyond 2^53 are left as they are, to be refused: their last digits are lost. */
function asBigint(value: unknown): unknown {
  if (typeof value === 'string' && WHOLE.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function ofItems(first: readonly (Convert | undefined)[], rest: Convert | undefined): Convert | undefined {
  if (rest === undefined && first.every((convert) => convert === undefined)) return undefined;
  return (value) =>
    Array.isArray(value)
      ? value.map((item: unknown, index) => {
          const convert = index < first.length ? first[index] : rest;
          return convert === undefined ? item : convert(item);
        })
      : value;
}

function ofObject(def: z.core.$ZodObjectDef): Convert | undefined {
  const parts = Object.entries(def.shape).flatMap(([name, schema]) => {
    const convert = bigintConversion(schema);
    return convert === undefined ? [] : [{ name, convert }];
  });
  if (parts.length === 0) return undefined;
  return (value) => {
    if (!isObject(value)) return value;
    const copy = { ...value };
    for (const { name, convert } of parts) if (Object.hasOwn(copy, name)) copy[name] = convert(copy[name]);
    return copy;
  };
}

function ofUnion({ options, discriminator }: z.core.$ZodDiscriminatedUnionDef): Convert | undefined {
  const byText = new Map<unknown, Convert>();
  for (const option of flattened(options, discriminator)) {
    const convert = bigintConversion(option);
    if (convert === undefined) continue;
    for (const text of discriminating(unwrap(option).inner, discriminator)) byText.set(text, convert);
  }
  if (byText.size === 0) return undefined;
  return (value) => (isObject(value) ? (byText.get(value[discriminator])?.(value) ?? value) : value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
