import { jsonSerde, StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';

export interface ReleasedTopologyOptions {
  readonly release: 'first' | 'next';
  readonly prefix: string;
}

/**
 * An application before and after a release that changes what may change: statements in another order, a stateless
 * step, an output, a store that shares the partials of one that was there, another source with a store of its own.
 */
export function buildTopology({ release, prefix }: ReleasedTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const isNext = release === 'next';
  if (isNext) builder.stream(`${prefix}-clicks`, { value: stringSerde }).groupByKey().count({ store: 'clicks' });
  const words = builder.stream(`${prefix}-words`, { value: stringSerde });
  const grouped = (isNext ? words.filter((word) => word !== '') : words).groupBy((word) => word, { name: 'by-word' });
  const lengths = { empty: () => 0, add: (sum: number) => sum + 1, serde: jsonSerde<number>() };
  if (isNext) grouped.count({ store: 'since-the-release' });
  grouped.count({ store: 'counts' }).toStream().to(`${prefix}-counts`);
  words.groupByKey().aggregate(lengths, { store: 'by-key' });
  if (isNext) words.mapValues((word) => word.toUpperCase()).to(`${prefix}-upper`, { value: stringSerde });
  return builder.build();
}
