import { typeText } from '../types/same-type.ts';
import type { FieldType, TypedField } from '../types/type-model.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { descriptionText, sdlBlock, type SdlPart } from './sdl-text.ts';

/** The objects, unions and enums in keys and values, each once, in the order in which tables have them. */
export function valueTypes(tables: readonly DeclaredTable[]): string[] {
  const definitions = new Map<string, string>();
  const add = (type: FieldType): void => {
    if (type.kind === 'list') return add(type.of);
    if (type.kind === 'scalar' || definitions.has(type.name)) return;
    definitions.set(type.name, definition(type));
    if (type.kind === 'object') for (const field of type.fields) add(field.type);
    if (type.kind === 'union') for (const member of type.members) add(member.type);
  };
  for (const { key, fields } of tables) for (const { type } of [key, ...fields]) add(type);
  return [...definitions.values()];
}

/** The field of a value, as it is. */
export function valueField({ name, type, nullable, description }: TypedField): SdlPart {
  return {
    name,
    type: `${typeText(type)}${nullable ? '' : '!'}`,
    description: description ?? `The value's \`${name}\`.`,
  };
}

function definition(type: Extract<FieldType, { readonly kind: 'enum' | 'object' | 'union' }>): string {
  const { name, description } = type;
  switch (type.kind) {
    case 'enum':
      return sdlBlock(
        description ?? 'One of a few texts.',
        `enum ${name}`,
        type.values.map((value) => ({ name: value, description: `The text \`${value}\`.` })),
      );
    case 'object':
      return sdlBlock(description ?? 'A part of a value.', `type ${name}`, type.fields.map(valueField));
    case 'union': {
      const members = type.members.map((member) => member.type.name);
      const said = description ?? `One of several objects, told apart by \`${type.discriminator}\`.`;
      return `${descriptionText(said)}\nunion ${name} = ${[...new Set(members)].join(' | ')}\n`;
    }
  }
}
