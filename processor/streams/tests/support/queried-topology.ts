import { StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';

export interface QueriedTopologyOptions {
  readonly input: string;
  readonly output: string;
  readonly letters: string;
}

export const COUNTS = 'counts';
/** A word that is of this time. */
export const OLD_WORD = 'word-0';
export const OLD_MS = 1_600_000_000_000;
/** Beyond the hour that brokers take. */
const AHEAD_MS = 7_200_000;
export const ASKED_TOPICS = { input: 'asked-in', output: 'asked-out', letters: 'asked-dlq' } as const;

/**
 * Counts words, which are keys, too, in the task that reads them, and hands each on. `bad` ones fail in a step,
 * `unwritable` ones in the serde of the sink, `ahead` ones are of a time that the topic refuses.
 */
export function buildTopology({ input, output, letters }: QueriedTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const words = builder
    .stream(input, {
      decode: ({ value }) => String(value),
      timestampMs: (word, record) =>
        word.startsWith('ahead') ? Date.now() + AHEAD_MS : word === OLD_WORD ? OLD_MS : record.timestampMs,
      deadLetterTopic: letters,
    })
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
