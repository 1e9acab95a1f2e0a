import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonSerde } from '../topology/serdes.ts';
import { createKeyValueStore } from './key-value-store.ts';
import type { LiveKeyValueStore } from './typed-store.ts';
import { openLevelDbStore } from './leveldb-store.ts';
import { openMemoryStore } from './memory-store.ts';
import type { StateStore } from './state-store.ts';

interface Count {
  n: number;
}

let state: StateStore;
let counts: LiveKeyValueStore<string, Count>;

const spec = { name: 'counts', kind: 'key-value', serde: jsonSerde<Count>() } as const;

const commit = async (): Promise<void> => {
  await state.commit({ changes: counts.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
  counts.clear();
};

beforeEach(() => {
  state = openMemoryStore();
  counts = createKeyValueStore(spec, state);
});

test('an uncommitted write is visible to itself and to nobody else', async () => {
  counts.put('CA', { n: 1 });
  expect(counts.get('CA')).toEqual({ n: 1 });
  expect(state.get('counts', Buffer.from('CA'))).toBeUndefined();
  await commit();
  expect(counts.get('CA')).toEqual({ n: 1 });
  expect(createKeyValueStore(spec, state).get('CA')).toEqual({ n: 1 });
});

test('a delete hides the committed value, and reaches it with the commit', async () => {
  counts.put('CA', { n: 1 });
  await commit();
  counts.delete('CA');
  expect(counts.get('CA')).toBeUndefined();
  expect(state.get('counts', Buffer.from('CA'))).toBeDefined();
  await commit();
  expect(state.get('counts', Buffer.from('CA'))).toBeUndefined();
});

test('clear without a commit brings the committed value back', async () => {
  counts.put('CA', { n: 1 });
  await commit();
  counts.put('CA', { n: 2 });
  counts.delete('NY');
  counts.clear();
  expect(counts.get('CA')).toEqual({ n: 1 });
  expect(counts.flush()).toEqual([]);
});

test('a committed value may be changed by its reader without a trace, unless it is put', async () => {
  counts.put('CA', { n: 1 });
  await commit();
  const value = counts.get('CA') as Count;
  value.n = 99;
  expect(counts.get('CA')).toEqual({ n: 1 });
  counts.put('CA', value);
  expect(counts.get('CA')).toBe(value);
});

test('flush gives one change a key, the newest value, in the order of first change, and clears nothing', () => {
  counts.put('CA', { n: 1 });
  counts.put('NY', { n: 1 });
  counts.put('CA', { n: 2 });
  counts.delete('TX');
  const expected = [
    ['CA', '{"n":2}'],
    ['NY', '{"n":1}'],
    ['TX', undefined],
  ];
  for (let times = 0; times < 2; times++) {
    expect(counts.flush().map(({ key, value }) => [key.toString(), value?.toString()])).toEqual(expected);
  }
});

test('an illegal name is refused at once', () => {
  expect(() => createKeyValueStore({ ...spec, name: '!status' }, state)).toThrow('"!status" is not a store name');
});

test(
  'what a read found spares the commit its own read, and the digest stays right, whatever the order of reads, ' +
    'writes and changes in place',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-key-value-'));
    const level = await openLevelDbStore(directory, { identity: { applicationId: 'a', taskId: '0_0' } });
    const raw = createKeyValueStore(
      { name: 'raw', kind: 'key-value', serde: { serialize: (bytes: Buffer) => bytes, deserialize: (bytes) => bytes } },
      level,
    );
    const step = fc.record({
      does: fc.constantFrom('get', 'put', 'add', 'delete', 'commit', 'abort'),
      key: fc.constantFrom('a', 'b', 'c'),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        for (const { does, key, byte } of steps) {
          if (does === 'get') raw.get(key);
          else if (does === 'put') raw.put(key, Buffer.from([byte]));
          else if (does === 'delete') raw.delete(key);
          else if (does === 'add') {
            const value = raw.get(key) ?? Buffer.alloc(1);
            value[0] = ((value[0] as number) + byte) % 256;
            raw.put(key, value);
          } else {
            if (does === 'commit')
              await level.commit({ changes: raw.flush(), changelogOffsets: new Map(), inputOffsets: new Map() });
            raw.clear();
          }
        }
        raw.clear();
        expect(await level.verify()).toBe(true);
      }),
    );
    await level.close();
    await rm(directory, { recursive: true });
  },
);
