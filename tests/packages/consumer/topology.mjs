import { StreamsBuilder, stringSerde } from '@tributary/streams';

/** Counts words: plain JavaScript, as a user of the package may write it. */
export function buildTopology({ input, output }) {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { decode: ({ value }) => String(value) })
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' })
    .toStream()
    .mapValues((count) => String(count))
    .to(output, { value: stringSerde });
  return builder.build();
}
