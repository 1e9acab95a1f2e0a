import { expect, test } from '@jest/globals';
import { storeBuffers } from './store-buffers.ts';

const MIB = 2 ** 20;

test('few stores have what LevelDB works best with', () => {
  const most = { blockCacheBytes: 4 * MIB, writeBufferBytes: 4 * MIB, rowCacheBytes: 8 * MIB };
  for (const stores of [0, 1, 4]) expect(storeBuffers(stores)).toEqual(most);
});

test('many stores share one budget, and none gets less than it can work with', () => {
  for (const stores of [9, 32, 64]) {
    const { blockCacheBytes, writeBufferBytes, rowCacheBytes } = storeBuffers(stores);
    expect(stores * blockCacheBytes).toBeLessThanOrEqual(32 * MIB);
    expect(stores * rowCacheBytes).toBeLessThanOrEqual(32 * MIB);
    expect(stores * writeBufferBytes).toBeLessThanOrEqual(32 * MIB);
  }
  expect(storeBuffers(10_000)).toEqual({
    blockCacheBytes: MIB / 2,
    writeBufferBytes: MIB / 4,
    rowCacheBytes: MIB / 2,
  });
});
