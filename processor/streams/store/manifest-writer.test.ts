import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TableFiles } from './manifest-writer.ts';
import { TableWriter, type WrittenTable } from './table-writer.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-tables-'));
  await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000007\n');
  await writeFile(join(directory, 'MANIFEST-000007'), '');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function tableOf(key: string, room?: Buffer): WrittenTable {
  const table = new TableWriter(room);
  table.add(Buffer.from(key), key.length, Buffer.from('v'), 0, 1);
  return table.finish();
}

const found = async (): Promise<string[]> => (await readdir(directory)).sort();

test.each([
  ['a table', '000112.ldb'],
  ['the manifest', 'MANIFEST-000112'],
])('when %s cannot be written nothing is left of the others', async (what, name) => {
  const before = [...(await found()), name].sort();
  const files = await TableFiles.begin(directory);
  // Its numbers begin a hundred behind the last one that is there; CURRENT has the first of them.
  await mkdir(join(directory, name, 'in the way'), { recursive: true });
  for (const key of ['a', 'b', 'c']) await files.add(tableOf(key));
  const failing = async (): Promise<void> => {
    if (what === 'a table') await files.add(tableOf('d'));
    await files.finish();
  };
  await expect(failing()).rejects.toThrow('EISDIR');
  await files.remove();
  expect(await found()).toEqual(before);
});

test('what is written is the database from the switch on', async () => {
  const files = await TableFiles.begin(directory);
  await files.add(tableOf('a'));
  await files.finish();
  expect(await readFile(join(directory, 'CURRENT'), 'utf8')).toBe('MANIFEST-000007\n');
  await files.switchOver();
  expect(await readFile(join(directory, 'CURRENT'), 'utf8')).toBe('MANIFEST-000110\n');
});

test('a table is made in the room of one that is written, and of no other', async () => {
  const files = await TableFiles.begin(directory);
  const expected: Buffer[] = [];
  let reused = 0;
  for (let nth = 0; nth < 20; nth += 1) {
    const room = files.takeRoom();
    if (room !== undefined) reused += 1;
    const table = tableOf(`key-${String(nth).padStart(2, '0')}`, room);
    expected.push(Buffer.from(table.bytes));
    await files.add(table);
  }
  await files.finish();
  expect(reused).toBeGreaterThan(0);
  const tables = (await found()).filter((name) => name.endsWith('.ldb'));
  expect(await Promise.all(tables.map((name) => readFile(join(directory, name))))).toEqual(expected);
});
