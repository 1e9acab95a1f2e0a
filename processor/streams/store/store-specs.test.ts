import { expect, test } from '@jest/globals';
import {
  int64Serde,
  jsonSerde,
  keyValueStore,
  sessionStore,
  stringSerde,
  versionedStore,
  windowStore,
  type StoreSpec,
} from '../index.ts';

const value = jsonSerde<{ n: number }>();

test('types of keys and values follow from the options', () => {
  const byText: StoreSpec<{ n: number }, string> = keyValueStore('a', { value });
  const byNumber: StoreSpec<string, number> = keyValueStore('b', { key: int64Serde, value: stringSerde });
  expect(byText).toEqual({ name: 'a', kind: 'key-value', serde: value, indexed: true });
  expect(byNumber).toMatchObject({ key: int64Serde, serde: stringSerde });
  expect(windowStore('w', { value, sizeMs: 5, retentionMs: 0, retainDuplicates: true })).toMatchObject({
    kind: 'window',
    windowSizeMs: 5,
    retentionMs: 0,
    retainDuplicates: true,
  });
  expect(sessionStore('s', { value, retentionMs: 5 })).toMatchObject({ kind: 'session', retentionMs: 5 });
  expect(versionedStore('v', { value, historyMs: 5 })).toMatchObject({ kind: 'versioned', historyMs: 5 });
});

test.each<[string, () => unknown, string]>([
  ['an unknown option', () => keyValueStore('a', { value, valeu: value } as never), 'has no option "valeu"'],
  ['an option of another kind', () => keyValueStore('a', { value, sizeMs: 5 } as never), 'has no option "sizeMs"'],
  ['no value', () => keyValueStore('a', {} as never), 'value of keyValueStore("a") is a serde, not undefined'],
  ['a key that is no serde', () => keyValueStore('a', { value, key: {} as never }), 'needs serialize'],
  ['no size', () => windowStore('w', { value, retentionMs: 5 } as never), 'sizeMs of windowStore("w")'],
  ['no retention', () => sessionStore('s', { value } as never), 'retentionMs of sessionStore("s")'],
  ['half a millisecond', () => versionedStore('v', { value, historyMs: 0.5 }), 'not 0.5'],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }));
});
