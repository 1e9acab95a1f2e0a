import { hasWindows } from './model.ts';
import type { PageField, PageTable, PageType } from './model.ts';

type UnionType = Extract<PageType, { readonly kind: 'union' }>;

/** What an operation asks of each row of a table. */
interface Selection {
  readonly text: string;
  /** Fields that had no room, as paths. */
  readonly left: readonly string[];
}

/**
 * Values of one row, as an API counts them: of a hundred rows it gives 20,000 at most, and a part of these is for the
 * walk over a large table.
 */
const MOST_VALUES = 110;
/** An API takes a list within a row for so long. */
const LIST_LENGTH = 10;
/** An API takes fifteen; one names the root. */
const MOST_ALIASES = 14;
/** Between the member and the field in the name of a field that two members of a union have with different types. */
const MEMBER_FIELD = '__';

/** Selects all that a row has, as far as one operation can. */
export function selectionOf(table: PageTable): Selection {
  const writer = new SelectionWriter();
  const window = hasWindows(table) ? ' window { start end }' : '';
  const fields = writer.fields(table.fields, '', 1);
  return { text: `id ${table.key.field}${window}${fields === '' ? '' : ` ${fields}`}`, left: writer.left };
}

/** The name of a field as people know it, whatever it was called in the operation. */
export function fieldLabel(name: string): string {
  const at = name.indexOf(MEMBER_FIELD);
  return at > 0 ? name.slice(at + MEMBER_FIELD.length) : name;
}

/** What two fields of one name must have in common to be selected from two members of a union. */
function shapeOf({ type, nullable, list }: PageField): string {
  return `${type.kind} ${type.name} ${nullable} ${list}`;
}

class SelectionWriter {
  readonly left: string[] = [];
  #values = 6;
  #aliases = 0;

  /** The selections of these fields, one after the other; '' for none. `times`: how often a row has each. */
  fields(
    fields: readonly PageField[],
    path: string,
    times: number,
    aliased: ReadonlyMap<string, string> = new Map(),
  ): string {
    return fields
      .flatMap((field) => this.#field(field, `${path}${field.name}`, times, aliased.get(field.name)) ?? [])
      .join(' ');
  }

  #field(field: PageField, path: string, times: number, alias: string | undefined): string | null {
    const { type, list, name } = field;
    const items = list ? times * LIST_LENGTH : times;
    const values = list ? times + items : times;
    if (this.#values + values > MOST_VALUES || (alias !== undefined && this.#aliases === MOST_ALIASES)) {
      this.left.push(path);
      return null;
    }
    this.#values += values;
    if (alias !== undefined) this.#aliases += 1;
    const head = alias === undefined ? name : `${alias}: ${name}`;
    if (type.kind === 'scalar' || type.kind === 'enum') return head;
    // Of an object without room for any field it is still told that it is there.
    const inside =
      type.kind === 'object' ? this.fields(type.fields, `${path}.`, items) : this.#members(type, path, items);
    return `${head} { ${inside || '__typename'} }`;
  }

  #members({ members }: UnionType, path: string, times: number): string {
    this.#values += times;
    const known = new Map<string, string>();
    const fragments = members.flatMap((member) => {
      const aliased = new Map<string, string>();
      for (const field of member.fields) {
        const shape = known.get(field.name);
        if (shape === undefined) known.set(field.name, shapeOf(field));
        else if (shape !== shapeOf(field)) aliased.set(field.name, `${member.name}${MEMBER_FIELD}${field.name}`);
      }
      const text = this.fields(member.fields, `${path}.${member.name}.`, times, aliased);
      return text === '' ? [] : `... on ${member.name} { ${text} }`;
    });
    return ['__typename', ...fragments].join(' ');
  }
}
