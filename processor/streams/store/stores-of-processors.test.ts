import { expect, test } from '@jest/globals';
import {
  int64Serde,
  jsonSerde,
  keyValueStore,
  sessionStore,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  versionedStore,
  windowStore,
} from '../index.ts';

const value = jsonSerde<number>();

/** Runs a text for each record: the value says what to do with the stores. */
function driven(): { driver: TopologyTestDriver; run: (...texts: string[]) => Promise<string[]> } {
  const rows = keyValueStore('rows', { key: int64Serde, value });
  const windows = windowStore('windows', { value, sizeMs: 10, retentionMs: 1_000, retainDuplicates: true });
  const sessions = sessionStore('sessions', { value, retentionMs: 1_000 });
  const versions = versionedStore('versions', { value, historyMs: 100 });
  const builder = new StreamsBuilder();
  builder
    .stream('in', { value: stringSerde })
    .process(
      (context) => {
        const [byKey, byWindow] = [context.store(rows), context.store(windows)];
        const [bySession, byVersion] = [context.store(sessions), context.store(versions)];
        return (text: string) => {
          const [what, ...words] = text.split(' ');
          const [a = 0, b = 0, c = 0] = words.map(Number);
          const tell = (it: unknown): void => context.forward('k', JSON.stringify(it));
          if (what === 'put') byKey.put(a, b);
          else if (what === 'delete') tell(byKey.delete(a) ?? null);
          else if (what === 'range') tell([...byKey.range(a, b)]);
          else if (what === 'window') byWindow.put('w', a, b);
          else if (what === 'fetch') tell([...byWindow.fetch('w', a, b)].map(([{ startMs }, it]) => [startMs, it]));
          else if (what === 'session') bySession.put({ key: 's', startMs: a, endMs: b }, c);
          else if (what === 'find')
            tell([...bySession.find('s', a, b)].map(([it, sum]) => [it.startMs, it.endMs, sum]));
          else if (what === 'version') byVersion.put('v', a, b);
          else if (what === 'as-of') tell(byVersion.get('v', a) ?? null);
          else if (what === 'all') for (const [key] of byKey.all()) byKey.put(key, 0);
          else throw new Error(text);
        };
      },
      { stores: [rows, windows, sessions, versions] },
    )
    .to('out', { value: stringSerde });
  const driver = new TopologyTestDriver(builder.build());
  return {
    driver,
    run: async (...texts) => {
      await driver.pipe('in', ...texts.map((text) => ({ key: 'k', value: text, timestampMs: 50 })));
      return driver.output('out').map((record) => String(record.value));
    },
  };
}

test('a processor goes through stores of all kinds, what is not committed included', async () => {
  const { run } = driven();
  expect(await run('put 256 1', 'put -1 2', 'put 2 3', 'range 0 256')).toEqual(['[[2,3],[256,1]]']);
  // By the bytes of the keys, in which -1 is the largest: as in Kafka Streams.
  expect(await run('delete 2', 'put 3 4', 'range 0 -1')).toEqual(['3', '[[3,4],[256,1],[-1,2]]']);
  expect(await run('window 20 1', 'window 10 2', 'window 20 3', 'fetch 10 20')).toEqual(['[[10,2],[20,1],[20,3]]']);
  expect(await run('session 5 9 1', 'session 20 30 2', 'find 10 25')).toEqual(['[[20,30,2]]']);
  expect(await run('version 1 10', 'version 2 20', 'as-of 15', 'as-of 20', 'as-of 9')).toEqual(['1', '2', 'null']);
});

test('what a failed transaction wrote is gone from ranges, and what it deleted is there again', async () => {
  const { driver, run } = driven();
  await run('put 1 1', 'put 2 2', 'session 1 2 3', 'version 1 10');
  const failing = ['delete 1', 'put 3 3', 'session 5 6 7', 'version 2 20', 'fail'];
  await expect(run(...failing)).rejects.toThrow('fail');
  // The driver would read the records again, and fail again: what is committed is what the rows are.
  expect(driver.rows('rows')).toEqual([
    { key: 1, value: 1 },
    { key: 2, value: 2 },
  ]);
  expect(driver.rows('sessions')).toHaveLength(1);
  await expect(run('range 0 9')).rejects.toThrow('fail');
});

test('what is no time is refused by stores of all kinds: a range of NaN would be an empty one', async () => {
  const stores = {
    windows: windowStore('windows', { value, sizeMs: 10, retentionMs: 1_000 }),
    twice: windowStore('twice', { value, sizeMs: 10, retentionMs: 1_000, retainDuplicates: true }),
    sessions: sessionStore('sessions', { value, retentionMs: 1_000 }),
    versions: versionedStore('versions', { value, historyMs: 100 }),
  };
  const said: string[] = [];
  const builder = new StreamsBuilder();
  builder.stream('in', { value: stringSerde }).process(
    (context) => {
      const [windows, twice] = [context.store(stores.windows), context.store(stores.twice)];
      const [sessions, versions] = [context.store(stores.sessions), context.store(stores.versions)];
      const none = undefined as unknown as number;
      const asks: (() => unknown)[] = [windows, twice].flatMap((store) => [
        () => store.fetch('k', Number.NaN, 5),
        () => store.backwardFetch('k', 0, none),
        () => store.fetchAll('0' as never, 5),
        () => store.backwardFetchAll(0, Number.NaN),
      ]);
      asks.push(
        () => sessions.find('k', 0, Number.NaN),
        () => sessions.backwardFind('k', none, 5),
        () => versions.get('k', Number.NaN),
        () => versions.version('k', null as never),
      );
      return () => {
        for (const ask of asks) {
          try {
            ask();
            said.push('nothing');
          } catch (error) {
            said.push(String(error));
          }
        }
        said.push(String([...windows.fetch('k', -Infinity, Infinity)].length), String(versions.get('k', undefined)));
      };
    },
    { stores: Object.values(stores) },
  );
  await new TopologyTestDriver(builder.build()).pipe('in', { key: 'k', value: 'x' });
  const refused = (store: string): unknown =>
    expect.stringMatching(
      new RegExp(`^TypeError: the store "${store}" is asked for times in epoch milliseconds, not `),
    );
  const of = (store: string, count: number): unknown[] => Array.from({ length: count }, () => refused(store));
  expect(said).toEqual([
    ...of('windows', 4),
    ...of('twice', 4),
    ...of('sessions', 2),
    ...of('versions', 2),
    '0',
    'undefined',
  ]);
});

test('a write within an iteration fails the task, and says so', async () => {
  const { run } = driven();
  await expect(run('put 1 1', 'all')).rejects.toMatchObject({
    code: 'USER_CODE_FAILED',
    message: expect.stringContaining('the store "rows" is written to while it is gone through'),
  });
});
