import type { z } from 'zod';
import { rootOf, unwrap } from './zod-layers.ts';

/** What has no type in GraphQL: what it is, and what to use in its place. */
const REMEDIES: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  map: ['a map', 'use z.record(), or a list of objects'],
  set: ['a set', 'use z.array()'],
  date: ['a date', 'use z.iso.datetime(): rows hold its text'],
  lazy: ['lazy', 'use z.unknown(), which is JSON'],
  transform: ['a transform', 'declare what the topic holds, and compute in a resolver of extend'],
  preprocess: [
    'a preprocess, which is a transform',
    'declare what the topic holds, and compute in a resolver of extend',
  ],
  codec: ['a codec', 'declare what the topic holds, and compute in a resolver of extend'],
  pipe: ['a pipe', 'declare what the topic holds, in one schema'],
  union: ['a union without a discriminator', 'use z.discriminatedUnion() of objects, or z.unknown(), which is JSON'],
  intersection: ['an intersection', 'use .extend() of the object'],
  null: ['null', 'use .nullable() of another type, or leave it out'],
  undefined: ['undefined', 'use .optional() of another type, or leave it out'],
  void: ['void', 'leave it out'],
  never: ['never', 'leave it out'],
  nan: ['NaN', 'use z.number().nullable()'],
  symbol: ['a symbol', 'use z.string()'],
  template_literal: ['a template literal', 'use z.string() with .regex()'],
  custom: ['a custom type', 'use the zod type that it is, with .refine()'],
  success: ['a success', 'use z.boolean()'],
  file: ['a file', 'use z.string() for its address'],
  promise: ['a promise', 'use the type that it resolves to'],
  function: ['a function', 'leave it out'],
};

/** Why a schema has no type in GraphQL, as the end of a sentence that begins with its path. */
export function noTypeFor(schema: z.core.$ZodTypes): string {
  const kind = kindOf(schema);
  const [what, remedy] = REMEDIES[kind] ?? [kind, 'use another zod type'];
  return `is ${what}, which has no type in GraphQL: ${remedy}`;
}

/** Why a record with this inside has no JSON, as the end of a sentence that begins with its path. */
export function noJsonFor(schema: z.core.$ZodTypes): string {
  const kind = kindOf(schema);
  const [what, remedy] = { bigint: ['a bigint', 'use z.string()'], ...REMEDIES }[kind] ?? [
    kind,
    'use another zod type',
  ];
  return `is a record that holds ${what}, which is no JSON: ${remedy}`;
}

/** Zod's word for it; a pipe by what it is made for. */
function kindOf(schema: z.core.$ZodTypes): string {
  const { def } = schema._zod;
  if (def.type !== 'pipe') return def.type;
  if ('reverseTransform' in def) return 'codec';
  if (def.in._zod.def.type === 'transform') return 'preprocess';
  return def.out._zod.def.type === 'transform' ? 'transform' : 'pipe';
}

/** Kinds whose every value is JSON as it is, and that hold no other schema. */
const PLAIN_KINDS: readonly string[] = [
  ...['string', 'number', 'boolean', 'null', 'undefined', 'any', 'unknown', 'enum', 'never', 'template_literal'],
];

const MOST_IN_RECORD = 1_000;

/** The first schema inside of a record whose values are not JSON; undefined when there is none. */
export function notJson(schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): z.core.$ZodTypes | undefined {
  const { inner } = unwrap(schema);
  const root = rootOf(inner);
  // A getter may make a new schema each time: such a one has no end.
  if (seen.has(root) || seen.size > MOST_IN_RECORD) return undefined;
  seen.add(root);
  const { def } = inner._zod;
  const firstOf = (parts: readonly z.core.$ZodType[]): z.core.$ZodTypes | undefined => {
    for (const part of parts) {
      const found = notJson(part, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  switch (def.type) {
    case 'literal':
      return def.values.some((value) => typeof value === 'bigint') ? inner : undefined;
    case 'array':
      return firstOf([def.element]);
    case 'tuple':
      return firstOf([...def.items, ...(def.rest === null ? [] : [def.rest])]);
    case 'object':
      return firstOf([...Object.values(def.shape), ...(def.catchall === undefined ? [] : [def.catchall])]);
    case 'record':
      return firstOf([def.valueType]);
    case 'union':
      return firstOf(def.options);
    case 'intersection':
      return firstOf([def.left, def.right]);
    case 'lazy':
      return firstOf([def.getter()]);
    default:
      return PLAIN_KINDS.includes(def.type) ? undefined : inner;
  }
}
