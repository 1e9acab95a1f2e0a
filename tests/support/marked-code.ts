import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParserOptions } from 'prettier';
import { parsers } from 'prettier/plugins/babel';

/*
 * A comment line `// mutant: <name>` in the source marks the code that begins below it: a statement, a member of a
 * class, a property or an element. Mutants name the mark, neither the file nor the text: what is marked may be moved,
 * and formatted in any way.
 */

/** What becomes of the marked code. */
export type MarkedEdit = { readonly mark: string } & (
  | { readonly replace: string }
  /** Of an `if` or a `while`, the condition alone. */
  | { readonly condition: string }
  | { readonly before: string }
  | { readonly after: string }
);

const MARK_LINE = /^[ \t]*\/\/ mutant: (\S+)[ \t]*$/gm;

/** The files that may hold marks. */
const SOURCES = 'processor/**/*.ts';

/** Each mark below `root`, with the files that hold it: one for each time that it is there. */
export function marksBelow(root: string): Map<string, string[]> {
  const marks = new Map<string, string[]>();
  for (const file of globSync(SOURCES, { cwd: root, exclude: (path) => path === 'node_modules' }).sort()) {
    if (file.endsWith('.test.ts')) continue;
    for (const [, mark = ''] of readFileSync(join(root, file), 'utf8').matchAll(MARK_LINE))
      marks.set(mark, [...(marks.get(mark) ?? []), file]);
  }
  return marks;
}

/** The code that each mark of a text means. */
export async function markedCode(text: string): Promise<Map<string, string>> {
  const program = await parse(text);
  return new Map(
    [...text.matchAll(MARK_LINE)].map(([, mark = '']) => {
      const { start, end } = markedNode(text, program, mark);
      return [mark, text.slice(start, end)];
    }),
  );
}

/**
 * The text with the edits made.
 * @throws when a mark is not there exactly once, when two edits are of one mark, when an edit changes nothing, and when
 * what comes out is no TypeScript.
 */
export async function editMarked(text: string, edits: readonly MarkedEdit[]): Promise<string> {
  const program = await parse(text);
  const places = edits.map((edit) => ({ edit, place: placeOf(text, program, edit) }));
  let edited = text;
  for (const { edit, place } of places.toSorted((a, b) => b.place.start - a.place.start)) {
    const changed = edited.slice(0, place.start) + place.text + edited.slice(place.end);
    if (changed === edited) throw new Error(`the edit of the mark "${edit.mark}" changes nothing`);
    edited = changed;
  }
  if (new Set(edits.map(({ mark }) => mark)).size < edits.length) throw new Error('two edits are of one mark');
  await parse(edited);
  return edited;
}

interface Place {
  readonly start: number;
  readonly end: number;
  /** What is to stand there. */
  readonly text: string;
}

function markedNode(text: string, program: SyntaxNode, mark: string): SyntaxNode {
  const lines = [...text.matchAll(MARK_LINE)].filter(([, found]) => found === mark);
  const [line] = lines;
  if (line === undefined || lines.length > 1)
    throw new Error(`the mark "${mark}" must be there once, and is there ${String(lines.length)} times`);
  const node = nodeBelow(program, line.index + line[0].length);
  if (node === undefined) throw new Error(`nothing begins below the mark "${mark}"`);
  return node;
}

function placeOf(text: string, program: SyntaxNode, edit: MarkedEdit): Place {
  const node = markedNode(text, program, edit.mark);
  if ('before' in edit) return { start: node.start, end: node.start, text: `${edit.before}\n` };
  if ('after' in edit) return { start: node.end, end: node.end, text: `\n${edit.after}` };
  if ('replace' in edit) return { start: node.start, end: node.end, text: edit.replace };
  const { test } = node;
  if (!isNode(test)) throw new Error(`what begins below the mark "${edit.mark}" has no condition`);
  return { start: test.start, end: test.end, text: edit.condition };
}

/** A node of the syntax tree; its children are among its other properties. */
interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

async function parse(text: string): Promise<SyntaxNode> {
  const { program } = (await parsers['babel-ts'].parse(text, {} as ParserOptions)) as { readonly program: SyntaxNode };
  return program;
}

/** The first node that begins at `offset` or behind it; of several that begin there the longest. */
function nodeBelow(program: SyntaxNode, offset: number): SyntaxNode | undefined {
  let found: SyntaxNode | undefined;
  const visit = (node: SyntaxNode): void => {
    if (node.end <= offset) return;
    if (node.start >= offset) {
      if (found === undefined || node.start < found.start || (node.start === found.start && node.end > found.end))
        found = node;
      return;
    }
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
  };
  visit(program);
  return found;
}

function isNode(value: unknown): value is SyntaxNode {
  const { type, start, end } = (value ?? {}) as Partial<SyntaxNode>;
  return (
    typeof type === 'string' && typeof start === 'number' && typeof end === 'number' && !type.startsWith('Comment')
  );
}
