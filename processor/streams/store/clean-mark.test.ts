import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readCleanMark, removeCleanMark, writeCleanMark } from './clean-mark.ts';

let directory: string;
const path = (name: string): string => join(directory, name);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-mark-'));
  for (const name of ['CURRENT', 'MANIFEST-000004', '000005.log', '000003.ldb', 'LOG', 'LOCK'])
    await writeFile(path(name), `content of ${name}`);
  await writeCleanMark(directory, 'opening-1');
});

afterEach(() => rm(directory, { recursive: true }));

test('it names the opening while every file of the store is as it was; LOG and LOCK are none', async () => {
  await appendFile(path('LOG'), 'more');
  await rm(path('LOCK'));
  expect(await readCleanMark(directory)).toBe('opening-1');
  await removeCleanMark(directory);
  expect(await readCleanMark(directory)).toBeNull();
  await removeCleanMark(directory);
});

test.each(['CURRENT', 'MANIFEST-000004', '000005.log'])('one changed byte of %s makes it void', async (name) => {
  const content = await readFile(path(name));
  content[3] = 0;
  await writeFile(path(name), content);
  expect(await readCleanMark(directory)).toBeNull();
});

test.each(['CURRENT', 'MANIFEST-000004', '000005.log', '000003.ldb'])(
  'another length or the loss of %s makes it void',
  async (name) => {
    await appendFile(path(name), 'x');
    expect(await readCleanMark(directory)).toBeNull();
    await rm(path(name));
    expect(await readCleanMark(directory)).toBeNull();
  },
);

test('a file that it does not list makes it void', async () => {
  await writeFile(path('000006.log'), '');
  expect(await readCleanMark(directory)).toBeNull();
});

test.each(['', '{', 'null', '{"openId":1,"files":{}}', '{"openId":"opening-1"}'])(
  'a damaged mark is none: %s',
  async (text) => {
    await writeFile(path('clean-mark.json'), text);
    expect(await readCleanMark(directory)).toBeNull();
  },
);
