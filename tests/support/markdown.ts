import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../../tools/command-line/project-root.ts';

/** A page and its parts. Paths are from the project's root. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** Every page that people read: the ones at the root, docs/ and examples/. */
export function pages(): Page[] {
  const roots = readdirSync(projectRoot).filter((name) => name.endsWith('.md'));
  const inFolder = (folder: string): string[] =>
    readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)));
  return [...roots, ...inFolder('docs'), ...inFolder('examples')].sort().map(page);
}

export function page(path: string): Page {
  return { path, text: readFileSync(join(projectRoot, path), 'utf8') };
}

/** The text between backquotes, outside of code blocks. */
export function codeSpans({ text }: Page): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/** Targets of links and pictures within the project, from the project's root, without their anchors. */
export function localLinks({ path, text }: Page): string[] {
  const targets = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, link, attribute]) => link ?? attribute ?? '',
  );
  return targets
    .filter((target) => !/^[a-z]+:|^#/.test(target))
    .map((target) => relative(projectRoot, join(projectRoot, dirname(path), target.split('#')[0] as string)));
}

/** Code blocks of one language, with the file that the comment before each names, if one does. */
export function codeBlocks(
  { text }: Page,
  language: string,
): { readonly file: string | undefined; readonly code: string }[] {
  const pattern = new RegExp(`(?:<!-- (\\S+) -->\\n)?\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g');
  return [...text.matchAll(pattern)].map(([, file, code = '']) => ({ file, code }));
}

/** Cells of every row of the tables under a heading (to the next heading of any level); all tables without one. */
export function tableRows({ text }: Page, heading?: string): string[][] {
  const lines = text.split('\n');
  const start =
    heading === undefined
      ? 0
      : lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading) + 1;
  if (heading !== undefined && start === 0) throw new Error(`there is no heading "${heading}"`);
  const length = heading === undefined ? -1 : lines.slice(start).findIndex((line) => /^#+ /.test(line));
  const part = length < 0 ? lines.slice(start) : lines.slice(start, start + length);
  const rows = part
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim()),
    );
  // The line of dashes and the header above it are no rows.
  return rows.filter(
    (row, index) =>
      !row.every((cell) => /^:?-+:?$/.test(cell)) &&
      !(rows[index + 1]?.every((cell) => /^:?-+:?$/.test(cell)) ?? false),
  );
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
}
