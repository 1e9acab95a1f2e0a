import { expect, test } from '@jest/globals';
import { storeBuffers } from './store-buffers.ts';

const MIB = 2 ** 20;

test('few stores have what LevelDB works best with', () => {
  for (const stores of [0, 1, 8])
    expect(storeBuffers(stores)).toEqual({ cacheSizeBytes: 8 * MIB, writeBufferBytes: 4 * MIB });
});

test('many stores share one budget, and none gets less than it can work with', () => {
  for (const stores of [9, 32, 64]) {
    const { cacheSizeBytes, writeBufferBytes } = storeBuffers(stores);
    expect(stores * cacheSizeBytes).toBeLessThanOrEqual(64 * MIB);
    expect(stores * writeBufferBytes).toBeLessThanOrEqual(32 * MIB);
  }
  expect(storeBuffers(10_000)).toEqual({ cacheSizeBytes: MIB, writeBufferBytes: MIB / 4 });
});
