import { StreamsError, type KafkaStreams } from '@tributary/streams';

/** A count, or the id of the instance that has it: undefined while nobody does. */
export type Lookup = { readonly count: number } | { readonly askInstance: string | undefined };

/** The committed count of a word, where this instance has it. */
export async function countOf(streams: Pick<KafkaStreams, 'store' | 'queryMetadata'>, word: string): Promise<Lookup> {
  try {
    return { count: (await streams.store<number>('word-counts').get(word)) ?? 0 };
  } catch (error) {
    if (!(error instanceof StreamsError) || error.code !== 'STORE_NOT_HERE') throw error;
    return { askInstance: streams.queryMetadata('word-counts', word).active };
  }
}

/** The first words that begin with some letters, of those that this instance has, in alphabetical order. */
export async function wordsWith(
  streams: Pick<KafkaStreams, 'store'>,
  letters: string,
  most: number,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const [word, count] of streams.store<number>('word-counts').prefix(letters)) {
    if (Object.keys(found).length === most) break;
    found[word] = count;
  }
  return found;
}
