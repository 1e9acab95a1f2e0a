import { StreamsBuilder, type Topology } from '@tributary/streams';

export const COUNTS = 'counts';

/** A count for each key: as many rows in one store as there are keys. */
export function buildTopology({ input }: { readonly input: string }): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { decode: ({ value }) => String(value) })
    .groupByKey({ name: 'by-key' })
    .count({ store: COUNTS });
  return builder.build();
}
