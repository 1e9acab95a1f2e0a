import { expect, test } from '@jest/globals';
import { UnsentBytes } from './unsent-bytes.ts';

test('beyond the bound the reader that holds most is cut off, and what has been read counts no more', () => {
  const cut: string[] = [];
  const unsent = new UnsentBytes<string>(100, (reader) => void cut.push(reader));
  unsent.add('a', 40);
  unsent.add('b', 50);
  unsent.sent('b', 30);
  unsent.add('c', 30);
  expect([cut, unsent.bytes]).toEqual([[], 90]);
  unsent.add('c', 15);
  expect([cut, unsent.bytes]).toEqual([['c'], 60]);
  // Its bytes come out after it was cut off.
  unsent.sent('c', 45);
  unsent.forget('b');
  expect([cut, unsent.bytes]).toEqual([['c'], 40]);
  unsent.add('d', 200);
  expect([cut, unsent.bytes]).toEqual([['c', 'd'], 40]);
});
