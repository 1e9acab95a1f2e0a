import { jsonSerde, session, StreamsBuilder, type Topology } from '@tributary/streams';
import type { Event, KeyedJobOptions } from './keyed-event.ts';

export function buildTopology({ inputTopic, gapMs, graceMs }: KeyedJobOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(inputTopic, { value: jsonSerde<Event>() })
    .groupByKey()
    .windowedBy(session({ gapMs, graceMs }))
    .count({ store: 'counts' });
  return builder.build();
}
