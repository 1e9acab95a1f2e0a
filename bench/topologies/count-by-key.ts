import { jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import type { Event, KeyedJobOptions } from './keyed-event.ts';

/** A row a key, no shuffle: each changed row is written to the store and its changelog once a commit. */
export function buildTopology({ inputTopic }: KeyedJobOptions): Topology {
  const builder = new StreamsBuilder();
  builder.stream(inputTopic, { value: jsonSerde<Event>() }).groupByKey().count({ store: 'counts' });
  return builder.build();
}
