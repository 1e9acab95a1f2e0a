import { stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';

export interface WordCountOptions {
  /** Lines of text, whatever their keys. */
  readonly input: string;
  /** The newest count of each word: word to decimal text. Compacted, so that it stays a table. */
  readonly output: string;
}

/** Counts words: the first program of every stream processor. */
export function buildTopology({ input, output }: WordCountOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { decode: ({ value }) => value?.toString('utf8') ?? '' })
    .flatMapValues((line) => line.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [])
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'word-counts' })
    .toStream()
    .mapValues(String)
    .to(output, { value: stringSerde });
  return builder.build();
}
