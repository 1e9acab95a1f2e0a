import type { DeclaredTable } from '../tables/declared-table.ts';
import type { FieldType, UnionType } from '../types/type-model.ts';
import type { Resolvers } from './merged-resolvers.ts';

/** Tells the members of unions in values apart, by the text in their discriminator. */
export function unionResolvers(tables: readonly DeclaredTable[]): Resolvers {
  const resolvers: Record<string, object> = {};
  const add = (type: FieldType): void => {
    if (type.kind === 'list') add(type.of);
    if (type.kind === 'object') for (const field of type.fields) add(field.type);
    if (type.kind !== 'union') return;
    resolvers[type.name] = { __resolveType: memberOf(type) };
    for (const member of type.members) add(member.type);
  };
  for (const { fields } of tables) for (const { type } of fields) add(type);
  return resolvers;
}

function memberOf({
  discriminator,
  members,
}: UnionType): (value: Readonly<Record<string, unknown>>) => string | undefined {
  const names = new Map(members.flatMap(({ values, type }) => values.map((value) => [value, type.name])));
  return (value) => names.get(String(value[discriminator]));
}
