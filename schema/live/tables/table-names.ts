import { filterName, keyRangeName, OWN_ROOTS, OWN_TYPES, rootNames, rowTypeNames } from '../types/generated-names.ts';
import { quoted } from '../types/graphql-names.ts';
import type { FieldType, TypedField } from '../types/type-model.ts';
import type { DeclaredTable } from './declared-table.ts';

/** Roots and types are of one name each, over all tables: two would be one for clients. */
export function checkNames(tables: readonly DeclaredTable[], problems: string[]): void {
  const served = tables.filter((table) => table.served);
  const roots = new Names('root', problems, OWN_ROOTS);
  const types = new Names('type', problems, OWN_TYPES);
  for (const table of served) {
    const owner = `table ${quoted(table.name)}`;
    for (const name of rootNames(table.name, table.shape.kind)) roots.claim(name, owner, table);
    for (const name of Object.values(rowTypeNames(table.typeName))) types.claim(name, owner, table);
    claimTypes(types, table);
  }
}

function claimTypes(types: Names, table: DeclaredTable): void {
  const claimAll = (type: FieldType, path: string): void => {
    if (type.kind === 'scalar') return;
    if (type.kind === 'list') return claimAll(type.of, `${path}[]`);
    types.claim(type.name, `${path} of table ${quoted(table.name)}`, type);
    if (type.kind === 'object') claimFields(type.fields, path);
    if (type.kind === 'union') for (const member of type.members) claimAll(member.type, path);
  };
  const claimFields = (fields: readonly TypedField[], path?: string): void => {
    for (const { name, type } of fields) claimAll(type, path === undefined ? name : `${path}.${name}`);
  };
  claimFields([table.key, ...table.fields]);
  for (const { name, type } of table.filterFields) {
    if (type.kind !== 'enum') continue;
    const owner = `${name} of table ${quoted(table.name)}`;
    types.claim(filterName(type.name), `the filter of ${owner}`, type);
    if (name === table.key.name) types.claim(keyRangeName(type.name), `the key range of ${owner}`, type);
  }
}

/** One name is one thing; a type that is used in several places is one thing. */
class Names {
  readonly #kind: string;
  readonly #problems: string[];
  readonly #taken = new Map<string, { readonly owner: string; readonly thing: unknown }>();

  constructor(kind: 'root' | 'type', problems: string[], own: readonly string[]) {
    this.#kind = kind;
    this.#problems = problems;
    for (const name of own) this.#taken.set(name, { owner: 'every API', thing: undefined });
  }

  claim(name: string, owner: string, thing: unknown): void {
    const other = this.#taken.get(name);
    if (other === undefined) this.#taken.set(name, { owner, thing });
    else if (other.thing !== thing)
      this.#problems.push(
        `${owner} makes the ${this.#kind} ${quoted(name)}, which ${other.owner} has: ` +
          (this.#kind === 'root' ? 'name the table otherwise' : 'name one by the option type, or by .meta({ id })'),
      );
  }
}
