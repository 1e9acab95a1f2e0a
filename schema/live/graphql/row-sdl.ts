import type { DeclaredTable } from '../tables/declared-table.ts';
import { filterName, keyFieldName, orderFieldValue, rowTypeNames } from '../types/generated-names.ts';
import { sdlBlock, sdlPart } from './sdl-text.ts';
import { valueField } from './value-sdl.ts';

/** The types of a table's rows, of pages and updates of them, and what they are filtered and ordered by. */
export function rowTypes(table: DeclaredTable): string[] {
  const { name, typeName, key, fields, filterFields, orderFields, shape } = table;
  const names = rowTypeNames(typeName);
  const window = sdlPart('window', 'Window!', `Which ${shape.kind} it is of.`);
  const keyField = valueField({ ...key, name: keyFieldName(key.name), description: key.description ?? 'Its key.' });
  return [
    sdlBlock(table.description ?? `A row of the table \`${name}\`.`, `type ${names.row} implements Node`, [
      sdlPart('id', 'ID!', 'Global, and the same for as long as the row exists.'),
      keyField,
      ...fields.map(valueField),
      ...(shape.kind === 'key-value' ? [] : [window]),
      sdlPart('freshness', 'Freshness!', 'How fresh it is; its `cursor` is the state of the table that it is of.'),
    ]),
    sdlBlock(`A row in a page of \`${name}\`.`, `type ${names.edge}`, [
      sdlPart('cursor', 'String!', 'To be given as `after` for the rows that follow it, in the same order.'),
      sdlPart('node', `${names.row}!`, 'The row.'),
    ]),
    sdlBlock(`A page of \`${name}\`, of one state of the table.`, `type ${names.connection}`, [
      sdlPart('nodes', `[${names.row}!]!`, 'The rows.'),
      sdlPart('edges', `[${names.edge}!]!`, 'The same rows, each with its cursor.'),
      sdlPart('pageInfo', 'PageInfo!', 'Where the page stands among the others.'),
      sdlPart(
        'totalCount',
        'Count',
        'How many rows all pages have together; null where only the owners of the rows know.',
      ),
      sdlPart('cursor', 'Cursor!', 'The state of the table that the page is of, to be given as `atLeast` or `after`.'),
      sdlPart('freshness', 'Freshness!', 'How fresh and how whole the page is.'),
    ]),
    sdlBlock(`What changed in \`${name}\`.`, `type ${names.update}`, [
      sdlPart('kind', 'UpdateKind!', 'Whether to replace or to merge.'),
      sdlPart('cursor', 'Cursor!', 'To be given as `after` when subscribing again, at this or any other instance.'),
      sdlPart('rows', `[${names.row}!]!`, 'Changed rows only, in a DELTA; absolute, to be merged by id.'),
      sdlPart('removed', '[ID!]!', 'Rows that were deleted or left what was asked for; empty in a SNAPSHOT.'),
      sdlPart(
        'more',
        'Boolean!',
        'Whether the snapshot goes on with the next update: then that one does not replace it.',
      ),
      sdlPart('freshness', 'Freshness!', 'How fresh and how whole it is.'),
    ]),
    sdlBlock(
      `Which rows of \`${name}\`. Given together, all must hold; an empty filter takes all rows.`,
      `input ${names.filter}`,
      [
        ...filterFields.map((field) =>
          sdlPart(field.name, filterName(field.type.name), field === key ? 'By its key.' : `By its \`${field.name}\`.`),
        ),
        sdlPart('and', `[${names.filter}!]`, 'All of these; all rows when it is empty.'),
        sdlPart('or', `[${names.filter}!]`, 'At least one of these; no row when it is empty.'),
        sdlPart('not', names.filter, 'Rows that this does not take.'),
      ],
    ),
    sdlBlock(
      `What rows of \`${name}\` can be ordered by.`,
      `enum ${names.orderField}`,
      orderFields.map((field) => ({
        name: orderFieldValue(field.name),
        description:
          field === key ? 'Its key, in the order of its bytes.' : (field.description ?? `Its \`${field.name}\`.`),
      })),
    ),
    sdlBlock(`An order of \`${name}\`; ties go by key, ascending.`, `input ${names.order}`, [
      sdlPart('field', `${names.orderField}!`, 'What to compare.'),
      { ...sdlPart('direction', 'OrderDirection!', 'Which end comes first.'), fallback: 'DESC' },
    ]),
  ];
}
