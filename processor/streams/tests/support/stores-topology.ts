import { jsonSerde, keyValueStore, StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';

const value = jsonSerde<number>();

/** One store of each way to keep rows. */
export const COUNTS = [
  keyValueStore('on-disk', { value }),
  keyValueStore('in-memory', { value, inMemory: true }),
  keyValueStore('local', { value, changelog: false }),
] as const;

/** Counts the records of each key in each store. */
export function buildTopology({ input }: { readonly input: string }): Topology {
  const builder = new StreamsBuilder();
  builder.stream(input, { value: stringSerde }).process(
    (context) => {
      const stores = COUNTS.map((spec) => context.store(spec));
      return (_value, key) => {
        for (const rows of stores) rows.put(String(key), (rows.get(String(key)) ?? 0) + 1);
      };
    },
    { stores: COUNTS },
  );
  return builder.build();
}
