import { StreamsBuilder, tumbling, type KStream, type Topology } from '@tributary/streams';

export const HOUR_MS = 3_600_000;
export const PER_HOUR = 'per-hour';

/** Events of several topics in one table by key and hour. The value of an event is its time, epoch ms. */
export function buildTopology({ inputs }: { readonly inputs: readonly string[] }): Topology {
  const builder = new StreamsBuilder();
  inputs
    .map((topic): KStream<string | null, number> =>
      builder.stream(topic, { decode: ({ value }) => Number(value), timestampMs: (at) => at }),
    )
    .reduce((merged, stream) => merged.merge(stream))
    .groupByKey({ name: 'by-key' })
    .windowedBy(tumbling({ sizeMs: HOUR_MS, retentionMs: HOUR_MS }))
    .count({ store: PER_HOUR });
  return builder.build();
}
