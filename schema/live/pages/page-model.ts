import type { DeclaredTable, TableShape } from '../tables/declared-table.ts';
import { keyFieldName } from '../types/generated-names.ts';
import type { FieldType, ScalarName, TypedField } from '../types/type-model.ts';

/** What the page at `/` is told of an API: enough to write its operations and to show what they give. */
export interface PageModel {
  readonly applicationId: string;
  /** In the order of their declaration. */
  readonly tables: readonly PageTable[];
}

interface PageTable {
  readonly name: string;
  readonly typeName: string;
  readonly description: string | null;
  readonly held: 'everywhere' | 'owner';
  readonly shape: TableShape;
  /** `isText`: it can be searched by how it begins. */
  readonly key: {
    /** In arguments, filters and orders. */
    readonly name: string;
    /** In rows. */
    readonly field: string;
    readonly type: PageType;
    readonly isText: boolean;
  };
  /** Those of the values, without the key. */
  readonly fields: readonly PageField[];
  readonly filterFields: readonly string[];
  readonly orderFields: readonly string[];
}

interface PageField {
  readonly name: string;
  readonly type: PageType;
  readonly nullable: boolean;
  /** A list of values of this type, or a list of such lists. */
  readonly list: boolean;
  readonly description: string | null;
}

/** A GraphQL type with what a selection of it needs. */
type PageType =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'object'; readonly name: string; readonly fields: readonly PageField[] }
  | {
      readonly kind: 'union';
      readonly name: string;
      readonly members: readonly { readonly name: string; readonly fields: readonly PageField[] }[];
    };

/**
 * Levels of objects within a row that are told. Beside a root and its rows an operation has six levels: the deepest is
 * for plain fields.
 */
const OBJECT_LEVELS = 5;

/** The model of an API's page: of each table that is served, its names, its types, and by what it can be asked for. */
export function pageModel(applicationId: string, tables: readonly DeclaredTable[]): PageModel {
  return { applicationId, tables: tables.filter(({ served }) => served).map(pageTable) };
}

function pageTable(table: DeclaredTable): PageTable {
  const { name, typeName, description = null, held, shape, key } = table;
  return {
    name,
    typeName,
    description,
    held,
    shape,
    key: { name: key.name, field: keyFieldName(key.name), type: plainType(key.type), isText: key.isText },
    fields: pageFields(table.fields, OBJECT_LEVELS),
    filterFields: table.filterFields.map((field) => field.name),
    orderFields: table.orderFields.map((field) => field.name),
  };
}

/** Objects that lie too deep, or have nothing but such objects, are left out: no operation could select them. */
function pageFields(fields: readonly TypedField[], levels: number): PageField[] {
  return fields.flatMap(({ name, type, nullable, description = null }) => {
    const { item, list } = itemOf(type);
    const told = pageType(item, levels);
    return told === null ? [] : [{ name, type: told, nullable, list, description }];
  });
}

type ItemType = Exclude<FieldType, { readonly kind: 'list' }>;

function itemOf(type: FieldType): { item: ItemType; list: boolean } {
  return type.kind === 'list' ? { ...itemOf(type.of), list: true } : { item: type, list: false };
}

function pageType(type: ItemType, levels: number): PageType | null {
  switch (type.kind) {
    case 'scalar':
    case 'enum':
      return plainType(type);
    case 'object': {
      const fields = levels === 0 ? [] : pageFields(type.fields, levels - 1);
      return fields.length === 0 ? null : { kind: 'object', name: type.name, fields };
    }
    case 'union': {
      // The fragment that selects a member is a level of its own.
      const members = type.members.map(({ type: member }) => ({
        name: member.name,
        fields: levels < 2 ? [] : pageFields(member.fields, levels - 2),
      }));
      // Which member it is can be told without any of its fields.
      return levels === 0 ? null : { kind: 'union', name: type.name, members };
    }
  }
}

function plainType(type: Extract<FieldType, { readonly kind: 'scalar' | 'enum' }>): PageType {
  return type.kind === 'scalar'
    ? { kind: 'scalar', name: type.name }
    : { kind: 'enum', name: type.name, values: type.values };
}
