import { StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';

export interface QueriedTopologyOptions {
  readonly input: string;
  readonly output: string;
  readonly letters: string;
}

export const COUNTS = 'counts';
export const ASKED_TOPICS = { input: 'asked-in', output: 'asked-out', letters: 'asked-dlq' } as const;

/**
 * Counts words, which are keys, too, in the task that reads them, and hands each on. `bad` ones fail in a step,
 * `unwritable` ones in the serde of the sink.
 */
export function buildTopology({ input, output, letters }: QueriedTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const words = builder
    .stream(input, { decode: ({ value }) => String(value), deadLetterTopic: letters })
    .peek((word) => {
      if (word.startsWith('bad')) throw new RangeError(`no ${word}`);
    });
  words.groupByKey({ name: 'by-word' }).count({ store: COUNTS });
  words.to(output, {
    value: {
      ...stringSerde,
      serialize: (word: string) => {
        if (word.startsWith('unwritable')) throw new TypeError(`no ${word}`);
        return stringSerde.serialize(word);
      },
    },
  });
  return builder.build();
}

/** Built while this module is loaded: each stream thread loads it again. */
export const topology = buildTopology(ASKED_TOPICS);
