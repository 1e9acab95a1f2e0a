import {
  jsonSerde,
  keyValueStore,
  sessionStore,
  StreamsBuilder,
  versionedStore,
  windowStore,
  type Topology,
} from '@tributary/streams';

export const HOUR_MS = 3_600_000;

export interface StoredNumber {
  readonly n: number;
}

/** What one record does to one store. `n` is null: deletes. Times are epoch milliseconds. */
export type StoreCommand =
  | { readonly store: 'totals' | 'extra'; readonly n: number | null }
  | { readonly store: 'hours'; readonly startMs: number; readonly n: number | null }
  | { readonly store: 'visits'; readonly startMs: number; readonly endMs: number; readonly n: number | null }
  | { readonly store: 'prices'; readonly atMs: number; readonly n: number | null }
  | { readonly store: 'none' };

export interface EveryStoreOptions {
  readonly input: string;
  /** `second` has one store more than the first, `other` has none of its stores as they were. */
  readonly release: 'first' | 'second' | 'other';
}

const value = jsonSerde<StoredNumber>();
const TOTALS = keyValueStore('totals', { value });
const EXTRA = keyValueStore('extra', { value });
const HOURS = windowStore('hours', { value, sizeMs: HOUR_MS, retentionMs: 2 * HOUR_MS });
const VISITS = sessionStore('visits', { value, retentionMs: 2 * HOUR_MS });
const PRICES = versionedStore('prices', { value, historyMs: HOUR_MS });
const OTHER_TOTALS = windowStore('totals', { value, sizeMs: HOUR_MS, retentionMs: 2 * HOUR_MS });

/** A store of each kind, written to as the records say. */
export function buildTopology({ input, release }: EveryStoreOptions): Topology {
  const builder = new StreamsBuilder();
  const commands = builder.stream(input, { value: jsonSerde<StoreCommand>() });
  if (release === 'other')
    commands.process(
      (context) => {
        const totals = context.store(OTHER_TOTALS);
        return (_command, key) => totals.put(String(key), 0, { n: 1 });
      },
      { stores: [OTHER_TOTALS] },
    );
  else {
    const extras = release === 'second' ? [EXTRA] : [];
    commands.process(
      (context) => {
        const totals = context.store(TOTALS);
        const hours = context.store(HOURS);
        const visits = context.store(VISITS);
        const prices = context.store(PRICES);
        const [extra] = extras.map((spec) => context.store(spec));
        return (command, name) => {
          if (command === null || command.store === 'none') return;
          const key = String(name);
          const row = command.n === null ? null : { n: command.n };
          if (command.store === 'totals') totals.put(key, row);
          else if (command.store === 'extra') extra?.put(key, row);
          else if (command.store === 'hours') hours.put(key, command.startMs, row);
          else if (command.store === 'prices') prices.put(key, row, command.atMs);
          else if (command.store === 'visits') visits.put({ key, startMs: command.startMs, endMs: command.endMs }, row);
        };
      },
      { stores: [TOTALS, HOURS, VISITS, PRICES, ...extras] },
    );
  }
  return builder.build();
}
