import type { FieldType, TypedField } from './type-model.ts';

/** Whether two types are the same to a client; descriptions do not count. */
export function sameType(a: FieldType, b: FieldType): boolean {
  if (a.kind === 'list') return b.kind === 'list' && a.nullableItems === b.nullableItems && sameType(a.of, b.of);
  if (b.kind === 'list' || a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'enum') return b.kind === 'enum' && sameTexts(a.values, b.values);
  if (a.kind === 'object') return b.kind === 'object' && sameFields(a.fields, b.fields);
  if (a.kind !== 'union' || b.kind !== 'union') return true;
  return (
    a.discriminator === b.discriminator &&
    a.members.length === b.members.length &&
    a.members.every(({ values, type }, index) => {
      const other = b.members[index];
      return other !== undefined && sameTexts(values, other.values) && sameType(type, other.type);
    })
  );
}

function sameFields(a: readonly TypedField[], b: readonly TypedField[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, nullable, type }, index) => {
      const other = b[index];
      return other?.name === name && other.nullable === nullable && sameType(type, other.type);
    })
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

/** The type as a client sees it, such as `[Count!]`. */
export function typeText(type: FieldType): string {
  return type.kind === 'list' ? `[${typeText(type.of)}${type.nullableItems ? '' : '!'}]` : type.name;
}
