import { StreamsBuilder, stringSerde, tumbling } from '@tributary/streams';

export const WINDOW_MS = 60_000;

/**
 * Counts words, of all time and by minute, and records by their own key and minute; what is written names the version
 * that wrote it. `isEarlier`: in the words of the earlier version, whose `to` takes a serde and whose rows are wrapped.
 */
export function buildTopology({ application, isEarlier }) {
  const builder = new StreamsBuilder();
  const version = isEarlier ? 'earlier' : 'this';
  const windows = tumbling({ sizeMs: WINDOW_MS, retentionMs: 1_000 * WINDOW_MS });
  const words = builder.stream(`${application}-words`, { decode: ({ value }) => String(value) });
  const text = isEarlier ? stringSerde : { value: stringSerde };
  words.mapValues(() => version).to(`${application}-out`, text);
  const byWord = words.groupBy((word) => word, { name: 'by-word' });
  byWord
    .count({ store: 'counts' })
    .toStream()
    .mapValues((row) => `${version} ${String(isEarlier ? row.value : row)}`)
    .to(`${application}-out`, text);
  byWord.windowedBy(windows).count({ store: 'by-minute' });
  words.groupByKey({ name: 'by-key' }).windowedBy(windows).count({ store: 'keys-by-minute' });
  return builder.build();
}
