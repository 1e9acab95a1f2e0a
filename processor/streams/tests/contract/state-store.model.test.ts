import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openLevelDbStore } from '../../store/leveldb-store.ts';
import { MemoryStoreImage, openMemoryStore } from '../../store/memory-store.ts';
import { RowChange } from '../../store/row-change.ts';
import type { StateStore } from '../../store/state-store.ts';
import { batch, bytes, contents, del, put } from './state-store.contract.ts';
import { IDENTITY, NumberedModel, SMALL_BUFFERS, storeContents } from './state-store.writer.ts';
import { until } from '../../../../tests/support/until.ts';

interface Model {
  readonly data: Map<string, string>;
  offset: number;
  clean: boolean;
}

/**
 * Both implementations side by side: each command is run on both, and they must agree with the model and each other.
 */
interface Real {
  readonly directory: string;
  readonly image: MemoryStoreImage;
  level: StateStore;
  memory: StateStore;
}

const KEYS = ['', 'a', 'b', 'ä', 'aa', 'z'];
const STORES = ['counts', 'counts-x'];
const storeArb = fc.constantFrom(...STORES);
const keyArb = fc.constantFrom(...KEYS);
const changeArb = fc.record({
  store: storeArb,
  key: keyArb,
  value: fc.option(fc.string({ maxLength: 5 })),
  isRow: fc.boolean(),
});

type Command = fc.AsyncCommand<Model, Real>;

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name,
});

const inOrder = (model: Model, store: string): [string, string][] =>
  [...model.data]
    .filter(([name]) => name.startsWith(`${store} `))
    .map(([name, value]): [string, string] => [name.slice(store.length + 1), value])
    .sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));

const commit = changesArb().map((changes) =>
  command(`commit(${JSON.stringify(changes)})`, async (model, real) => {
    model.offset += 1;
    for (const { store, key, value } of changes) {
      if (value === null) model.data.delete(`${store} ${key}`);
      else model.data.set(`${store} ${key}`, value);
    }
    const sealed = batch(
      changes.map(({ store, key, value, isRow }) => {
        const change = value === null ? del(store, key) : put(store, key, value);
        return isRow ? RowChange.of(store, change.key, change.value) : change;
      }),
      { 'log-0': model.offset },
    );
    for (const store of [real.level, real.memory]) await store.commit(sealed);
    expect(real.level.digest()).toEqual(real.memory.digest());
    expect(real.level.digest().entries).toBe(model.data.size);
  }),
);

function changesArb(): fc.Arbitrary<{ store: string; key: string; value: string | null; isRow: boolean }[]> {
  return fc.array(changeArb, { maxLength: 8 });
}

const read = fc.tuple(storeArb, keyArb).map(([store, key]) =>
  command(`get(${store}, ${key})`, async (model, real) => {
    for (const each of [real.level, real.memory])
      expect(each.get(store, bytes(key))?.toString()).toBe(model.data.get(`${store} ${key}`));
  }),
);

const scan = fc.tuple(storeArb, keyArb, keyArb, fc.integer({ min: 1, max: 4 })).map(([store, from, to, limit]) =>
  command(`entries(${store}, ${from}, ${to})`, async (model, real) => {
    const expected = inOrder(model, store).filter(
      ([key]) => Buffer.compare(bytes(key), bytes(from)) >= 0 && Buffer.compare(bytes(key), bytes(to)) < 0,
    );
    for (const each of [real.level, real.memory]) {
      expect(await contents(each, store, from, to)).toEqual(expected);
      expect(await contents(each, store)).toEqual(inOrder(model, store));
      expect((await each.keysBelow(store, bytes(to), limit, bytes(from))).map(String)).toEqual(
        expected.slice(0, limit).map(([key]) => key),
      );
    }
  }),
);

const verify = fc.constant(
  command('verify()', async (model, real) => {
    for (const each of [real.level, real.memory]) expect(await each.verify()).toBe(true);
    model.clean = true;
  }),
);

const reopen = fc.constantFrom('close' as const, 'closeDirty' as const).map((how) =>
  command(`${how}(), open()`, async (model, real) => {
    await real.level[how]();
    await real.memory[how]();
    real.level = await openLevelDbStore(real.directory, { identity: IDENTITY });
    real.memory = openMemoryStore(real.image);
    model.clean = model.clean && how === 'close';
    for (const each of [real.level, real.memory]) {
      expect(each.uncleanOpen).toBe(!model.clean);
      expect(each.offsets().changelog.get('log-0') ?? 0).toBe(model.offset);
    }
  }),
);

test('LevelDB, memory and a plain Map agree after any sequence of commits, reads and reopenings', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([commit, commit, read, scan, verify, reopen], { maxCommands: 30 }),
      async (commands) => {
        const directory = await mkdtemp(join(tmpdir(), 'tributary-model-'));
        const image = new MemoryStoreImage();
        const real: Real = {
          directory,
          image,
          level: await openLevelDbStore(directory, { identity: IDENTITY }),
          memory: openMemoryStore(image),
        };
        try {
          await fc.asyncModelRun(() => ({ model: { data: new Map(), offset: 0, clean: true }, real }), commands);
        } finally {
          await real.level.closeDirty();
          await rm(directory, { recursive: true });
        }
      },
    ),
    { numRuns: 60 },
  );
});

test(
  'killed with -9 between and within commits, a store holds exactly the batches that its offset says, all ' +
    'acknowledged ones among them',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-kill-'));
    const writer = fileURLToPath(new URL('./state-store.writer.ts', import.meta.url));
    const model = new NumberedModel();
    try {
      for (const atLeast of [1, 8, 15, 22, 30]) {
        const child = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
        const first = Number(String((await once(child.stdout, 'data'))[0]).split('\n')[0]);
        await until(
          () => Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1)) >= first + atLeast,
          'so many batches are acknowledged',
        );
        const gone = once(child, 'close');
        child.kill('SIGKILL');
        await gone;
        const acknowledged = Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
        const store = await openLevelDbStore(directory, SMALL_BUFFERS);
        try {
          expect(store.uncleanOpen).toBe(true);
          expect(store.doubt).toBeNull();
          const batches = store.offsets().changelog.get('log-0') ?? 0;
          expect(batches).toBeGreaterThanOrEqual(acknowledged);
          expect(store.offsets().input.get('in-0')).toBe(batches * 10);
          expect(await storeContents(store)).toEqual(model.advanceTo(batches).contents);
          expect(store.digest().entries).toBe(model.contents.size);
          expect(await store.verify()).toBe(true);
        } finally {
          await store.closeDirty();
        }
      }
      expect(model.batches).toBeGreaterThan(50);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
