/** docs/logging.md lists every field that the code logs: what is given to a logger is found in the syntax tree. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { page, tableRows } from '../support/markdown.ts';

interface Found {
  readonly field: string;
  readonly file: string;
}

interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

/** Names whose fields cannot be seen where they are spread, with what they hold. */
const SPREAD: Readonly<Record<string, readonly string[]>> = {
  'processor/streams/thread/supervisor.ts record': ['topic', 'partition', 'offset'],
  // kafkajs' own, at debug.
  'processor/streams/kafka/kafka-client.ts fields': [],
};
/** They hand on what they are given, in other words. */
const PASSING_ON = new Set(['processor/logins/runtime-words.ts']);

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const nodeAt = (node: Node, part: string): Node | undefined => {
  const found = node[part];
  return isNode(found) ? found : undefined;
};
/** `a?.b` is `a.b` here. */
const plain = (node: Node | undefined): Node | undefined =>
  node?.type === 'OptionalChainingExpression' ? nodeAt(node, 'base') : node;

function nameOf(node: Node | undefined): string {
  const last = node?.type === 'MemberExpression' ? nodeAt(node, 'property') : node;
  return String(last?.['value'] ?? '');
}

/** The object that `logger.info(…)` and the like are given, where `node` is such a call. */
function loggedObject(node: Node): Node | undefined {
  const callee = node.type === 'CallExpression' ? plain(nodeAt(node, 'callee')) : undefined;
  if (callee?.type !== 'MemberExpression' || !/^(debug|info|warn|error)$/.test(nameOf(callee))) return undefined;
  if (!/log(ger)?$/i.test(nameOf(plain(nodeAt(callee, 'object'))))) return undefined;
  const [first] = node['arguments'] as readonly { readonly expression: Node }[];
  return first?.expression;
}

function fieldsOf(node: Node | undefined, file: string): string[] {
  switch (node?.type) {
    case 'ObjectExpression':
      return (node['properties'] as readonly Node[]).flatMap((property) => {
        if (property.type === 'SpreadElement') return fieldsOf(nodeAt(property, 'arguments'), file);
        return String((property.type === 'Identifier' ? property : nodeAt(property, 'key'))?.['value']);
      });
    case 'ConditionalExpression':
      return [...fieldsOf(nodeAt(node, 'consequent'), file), ...fieldsOf(nodeAt(node, 'alternate'), file)];
    case 'ParenthesisExpression':
      return fieldsOf(nodeAt(node, 'expression'), file);
    case 'Identifier': {
      const known = SPREAD[`${file} ${nameOf(node)}`];
      if (known === undefined) throw new Error(`${file} logs ${nameOf(node)}, whose fields cannot be seen: SPREAD`);
      return [...known];
    }
    case 'StringLiteral':
      return [];
    default:
      throw new Error(`${file} logs a ${node?.type ?? 'nothing'}: give the logger an object with its fields`);
  }
}

function loggedIn(file: string): Found[] {
  const found: Found[] = [];
  const waiting: unknown[] = [
    parseSync(readFileSync(join(projectRoot, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }).body,
  ];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (!isNode(one)) continue;
    const object = loggedObject(one);
    if (object !== undefined) for (const field of fieldsOf(object, file)) found.push({ field, file });
    waiting.push(...Object.values(one));
  }
  return found;
}

test('every field that is logged is in docs/logging.md, in order, and no field that is logged nowhere', () => {
  const files = globSync('{processor/streams,processor/logins,schema/live,schema/logins,tools/producer}/**/*.ts', {
    cwd: projectRoot,
    exclude: (path) => /\.test\.ts$|(^|\/)(tests|node_modules|generated)$/.test(path),
  }).filter((file) => !PASSING_ON.has(file));
  expect(files.length).toBeGreaterThan(200);
  const logged = files.flatMap(loggedIn);
  const documented = tableRows(page('docs/logging.md')).map(([field = '']) => field);
  expect(documented).toEqual(documented.toSorted());
  expect(logged.filter(({ field }) => !documented.includes(field))).toEqual([]);
  expect(documented.filter((field) => !logged.some((one) => one.field === field))).toEqual([]);
});
