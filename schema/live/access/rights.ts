import { messageOf } from '@tributary/streams/operations';
import { forbidden } from '../graphql/api-error.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { compileFilter, type RowFilter, type RowTest } from '../tables/row-filter.ts';
import { ruleFilter } from './rule-filter.ts';

/** What a viewer may see of a table: all of it, nothing, or the rows that a filter takes. Of a field: yes or no. */
export type AllowRule<Viewer = unknown> = (viewer: Viewer) => boolean | RowFilter | Promise<boolean | RowFilter>;

/** Rules by the name of a table, or `table.field`. What has no rule is allowed. */
export type Allow<Viewer = unknown> = Readonly<Record<string, AllowRule<Viewer>>>;

/** What one viewer may see of one table. */
export interface TableRights {
  /** Equal for viewers that may see the same: part of what subscriptions are shared by. */
  readonly key: string;
  /** Null: all rows. */
  readonly test: RowTest | null;
  readonly forbiddenFields: ReadonlySet<string>;
}

const NO_FIELDS: ReadonlySet<string> = new Set();
const ALL_RIGHTS: TableRights = Object.freeze({ key: '', test: null, forbiddenFields: NO_FIELDS });

/** One line for each rule that no table or field has, or that is no function. */
export function checkAllow(allow: unknown, tables: readonly DeclaredTable[], problems: string[]): void {
  if (allow === undefined) return;
  if (typeof allow !== 'object' || allow === null) {
    problems.push('allow: must be an object of rules by table, or by table.field');
    return;
  }
  for (const [name, rule] of Object.entries(allow)) {
    const [tableName = '', ...rest] = name.split('.');
    const field = rest.join('.');
    const table = tables.find((one) => one.name === tableName);
    if (typeof rule !== 'function') problems.push(`allow: the rule for ${name} is no function of the viewer`);
    if (table === undefined)
      problems.push(
        `allow: there is no table ${tableName}; the tables are ${tables.map((one) => one.name).join(', ')}`,
      );
    else if (rest.length > 0 && field === table.key.name)
      problems.push(`allow: ${name} is the key, which is in the id of each row: rule over the table instead`);
    else if (rest.length > 0 && !table.fields.some((one) => one.name === field))
      problems.push(
        `allow: the table ${tableName} has no field ${field}; it has ${table.fields.map((one) => one.name).join(', ')}`,
      );
  }
}

/** Asks the rules of an application what one viewer may see; each table is asked about once. */
export class ViewerRights {
  readonly #allow: Allow;
  readonly #viewer: unknown;
  readonly #known = new Map<string, Promise<TableRights>>();

  constructor(allow: Allow, viewer: unknown) {
    this.#allow = allow;
    this.#viewer = viewer;
  }

  /** @throws GraphQLError FORBIDDEN when nothing of the table may be seen. */
  of(table: DeclaredTable): Promise<TableRights> {
    const known = this.#known.get(table.name);
    if (known !== undefined) return known;
    const rights = this.#ask(table);
    this.#known.set(table.name, rights);
    // What failed once may not fail again.
    rights.catch(() => this.#known.delete(table.name));
    return rights;
  }

  async #ask(table: DeclaredTable): Promise<TableRights> {
    const rule = this.#ruleOf(table.name);
    const answer = rule === undefined ? true : await rule(this.#viewer);
    if (answer === false) throw forbidden(table.name);
    const filter = answer === true ? null : filterOf(answer, table);
    const forbiddenFields = await this.#forbiddenFields(table);
    if (filter === null && forbiddenFields.size === 0) return ALL_RIGHTS;
    return {
      key: canonicalText([filter, [...forbiddenFields].sort()]),
      test:
        filter === null
          ? null
          : compileFilter(filter, {
              fields: table.plainFields,
              keyName: table.key.name,
              argument: `allow.${table.name}`,
              mostLeaves: Number.POSITIVE_INFINITY,
            }),
      forbiddenFields,
    };
  }

  #ruleOf(name: string): AllowRule | undefined {
    return Object.hasOwn(this.#allow, name) ? this.#allow[name] : undefined;
  }

  async #forbiddenFields({ name, fields }: DeclaredTable): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const field of fields) {
      const rule = this.#ruleOf(`${name}.${field.name}`);
      if (rule === undefined) continue;
      const answer = await rule(this.#viewer);
      if (typeof answer !== 'boolean')
        throw new TypeError(`allow: the rule for ${name}.${field.name} answered ${typeof answer}, and not a boolean`);
      if (!answer) found.add(field.name);
    }
    return found;
  }
}

function filterOf(answer: unknown, { name, plainFields }: DeclaredTable): RowFilter {
  try {
    return ruleFilter(answer, plainFields);
  } catch (error) {
    throw new TypeError(`allow: the rule for ${name} answered ${messageOf(error)}, and not true, false or a filter`);
  }
}

/** Text that is equal for equal data, whatever the order of its keys. */
export function canonicalText(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
