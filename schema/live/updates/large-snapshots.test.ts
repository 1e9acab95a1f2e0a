import { expect, test } from '@jest/globals';
import type { Row } from '../tables/row.ts';
import { LargeSnapshots } from './large-snapshots.ts';

const list = (length: number): readonly Row[] => Array.from({ length }, () => ({}) as Row);

test('a list counts once however many share it, until the last has sent it; one more than may be is refused', () => {
  const snapshots = new LargeSnapshots(100);
  const [one, other, more] = [list(60), list(40), list(1)];
  snapshots.hold(one);
  snapshots.hold(one);
  snapshots.hold(other);
  expect(snapshots.rows).toBe(100);
  expect(() => snapshots.hold(more)).toThrow(/as many large snapshots/);
  snapshots.release(more);
  snapshots.release(one);
  expect(snapshots.rows).toBe(100);
  snapshots.release(one);
  snapshots.hold(more);
  expect(snapshots.rows).toBe(41);
});
