import { expect, test } from '@jest/globals';
import {
  hopping,
  int32Serde,
  jsonSerde,
  keyValueStore,
  sessionStore,
  StreamsBuilder,
  stringSerde,
  tumbling,
  unlimited,
  versionedStore,
  windowStore,
  type Aggregate,
  type Serde,
  type Topology,
} from '../index.ts';
import { signatureMismatch, storesIn, topologySignature } from './signature.ts';

const HOUR_MS = 3_600_000;
const bytes: Serde<number> = { serialize: (value) => Buffer.from([value]), deserialize: (buffer) => buffer[0] ?? 0 };
const counting = (serde: Serde<number>): Aggregate<string, number> => ({
  empty: () => 0,
  add: (sum) => sum + 1,
  merge: (a, b) => a + b,
  serde,
});

interface Variant {
  readonly input?: string;
  readonly grouping?: string;
  readonly store?: string;
  readonly filtered?: boolean;
  readonly sink?: string;
  readonly serde?: Serde<number>;
  readonly windows?: ReturnType<typeof tumbling>;
  readonly more?: boolean;
  /** `counts` and `hours` by one aggregate: they share partials. */
  readonly shared?: boolean;
}

function build({
  input = 'words',
  grouping = 'by-word',
  store = 'counts',
  filtered = false,
  sink = 'out',
  serde = jsonSerde<number>(),
  windows = tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS }),
  more = false,
  shared = false,
}: Variant = {}): Topology {
  const builder = new StreamsBuilder();
  const source = builder.stream(input, { decode: ({ value }) => String(value) });
  const words = filtered ? source.filter((word) => word !== '').mapValues((word) => word.trim()) : source;
  const grouped = words.groupBy((word) => word, { name: grouping });
  const counted = counting(serde);
  grouped.aggregate(counted, { store }).toStream().mapValues(String).to(sink, { value: stringSerde });
  const hours = grouped.windowedBy(windows);
  if (shared) hours.aggregate(counted, { store: 'hours' });
  else hours.count({ store: 'hours' });
  if (more) grouped.count({ store: 'more' });
  return builder.build();
}

const mismatch = (before: Variant, now: Variant): string | null =>
  signatureMismatch(topologySignature(build(before)), topologySignature(build(now)));

test('a signature says what is on disk and in the brokers', () => {
  expect(topologySignature(build())).toEqual({
    'sub-topology 0 reads': 'words',
    'sub-topology 0 repartitions': 'by-word',
    'sub-topology 1 reads': 'the repartition topic by-word',
    'sub-topology 1 repartitions': 'nothing',
    'store counts': 'key-value, in sub-topology 1',
    'serde of store counts': 'json',
    'store hours': 'windows of 3600000 ms every 3600000 ms, in sub-topology 1',
    'serde of store hours': 'json',
    'the partials of by-word': 'counts, hours',
  });
});

test('what a release may change is no part of it', () => {
  expect(mismatch({}, { filtered: true })).toBeNull();
  expect(mismatch({}, { sink: 'elsewhere' })).toBeNull();
  expect(mismatch({}, { windows: tumbling({ sizeMs: HOUR_MS, retentionMs: 30 * HOUR_MS }) })).toBeNull();
  // A serde without a name is not told from another.
  expect(mismatch({}, { serde: bytes })).toBeNull();
  expect(mismatch({ serde: bytes }, {})).toBeNull();
});

test('tables that no longer share partials are another application; an older record says nothing', () => {
  expect(mismatch({ shared: true }, {})).toBe('the partials of by-word: counts and hours before, counts, hours now');
  const { 'the partials of by-word': _, ...older } = topologySignature(build());
  expect(signatureMismatch(older, topologySignature(build({ shared: true })))).toBeNull();
});

test('what a release adds is no other application; what it takes away is', () => {
  expect(mismatch({}, { more: true })).toBeNull();
  expect(mismatch({ more: true }, {})).toBe('store more: key-value, in sub-topology 1 before, none now');
  const [before, now] = [topologySignature(build()), topologySignature(build({ more: true }))];
  // A store that is new may share partials with one that was there.
  expect(signatureMismatch(before, { ...now, 'the partials of by-word': 'counts and more, hours' })).toBeNull();
  expect(
    signatureMismatch(before, {
      ...now,
      'sub-topology 0 repartitions': 'by-line, by-word',
      'sub-topology 2 reads': 'x',
    }),
  ).toBeNull();
  expect(signatureMismatch({ ...before, 'sub-topology 0 repartitions': 'by-line, by-word' }, before)).toMatch(
    /^sub-topology 0 repartitions: by-line, by-word before, by-word now$/,
  );
});

test.each<[string, Variant, RegExp]>([
  ['another source', { input: 'lines' }, /^sub-topology 0 reads: words before, lines now$/],
  ['another grouping', { grouping: 'by-line' }, /^sub-topology 0 repartitions: by-word before, by-line now$/],
  ['another store', { store: 'sums' }, /^store counts: key-value, in sub-topology 1 before, none now$/],
  [
    'another window',
    { windows: tumbling({ sizeMs: 60_000, retentionMs: HOUR_MS }) },
    /^store hours: windows of 3600000 ms every 3600000 ms, .* windows of 60000 ms/,
  ],
  [
    'another advance',
    { windows: hopping({ sizeMs: HOUR_MS, advanceMs: 60_000, retentionMs: HOUR_MS }) },
    /every 3600000 ms, .* every 60000 ms/,
  ],
  [
    'tables that share partials',
    { shared: true },
    /^the partials of by-word: counts, hours before, counts and hours now$/,
  ],
  ['another serde', { serde: { ...bytes, format: 'one byte' } }, /^serde of store counts: json before, one byte now$/],
])('%s is another application', (_name, now, words) => {
  expect(mismatch({}, now)).toMatch(words);
});

test('the stores of a signature are those of the topology', () => {
  const value = jsonSerde<number>();
  const builder = new StreamsBuilder();
  const stores = [
    keyValueStore('rows', { value, key: int32Serde }),
    keyValueStore('local', { value, changelog: false }),
    sessionStore('sessions', { value, retentionMs: HOUR_MS }),
    versionedStore('versions', { value, historyMs: HOUR_MS }),
    windowStore('twice', { value, sizeMs: 10, retentionMs: 20, retainDuplicates: true }),
  ] as const;
  builder.stream('words', { value: stringSerde }).process(() => () => undefined, { stores: [...stores] });
  const grouped = builder.stream('others', { value: stringSerde }).groupBy((word) => word, { name: 'by-word' });
  grouped.windowedBy(hopping({ sizeMs: HOUR_MS, advanceMs: 60_000, retentionMs: HOUR_MS })).count({ store: 'hops' });
  grouped.windowedBy(unlimited()).count({ store: 'ever' });

  const plain = {
    windowSizeMs: undefined,
    windowAdvanceMs: undefined,
    retainDuplicates: false,
    hasChangelog: true,
    subTopology: 0,
    topics: ['words'],
    readsRepartitionTopics: false,
    keyFormat: undefined,
    valueFormat: 'json',
  };
  const behind = { subTopology: 2, topics: [], readsRepartitionTopics: true };
  expect(Object.fromEntries(storesIn(topologySignature(builder.build())))).toEqual({
    rows: { ...plain, text: 'key-value', kind: 'key-value', keyFormat: 'int32' },
    local: { ...plain, text: 'key-value', kind: 'key-value', hasChangelog: false },
    sessions: { ...plain, text: 'session', kind: 'session' },
    versions: { ...plain, text: 'versioned', kind: 'versioned' },
    twice: {
      ...plain,
      text: 'windows of 10 ms every 10 ms, with duplicates',
      kind: 'window',
      windowSizeMs: 10,
      windowAdvanceMs: 10,
      retainDuplicates: true,
    },
    hops: {
      ...plain,
      ...behind,
      text: 'windows of 3600000 ms every 60000 ms',
      kind: 'window',
      windowSizeMs: HOUR_MS,
      windowAdvanceMs: 60_000,
    },
    ever: {
      ...plain,
      ...behind,
      text: 'windows of Infinity ms every Infinity ms',
      kind: 'window',
      windowSizeMs: Infinity,
      windowAdvanceMs: Infinity,
    },
  });
});

test('a store of a kind that a later release has keeps its own words', () => {
  const [store] = storesIn({ 'store new': 'spirals, in sub-topology 7' }).values();
  expect(store).toMatchObject({ kind: undefined, text: 'spirals', hasChangelog: true, topics: [] });
});
