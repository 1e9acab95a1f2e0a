import { jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import { type Event, type KeyedJobOptions, type Pair, pairOf } from './keyed-event.ts';

export function buildTopology({ inputTopic, otherTopic, outputTopic }: KeyedJobOptions): Topology {
  const builder = new StreamsBuilder();
  const table = builder.table(otherTopic, { value: jsonSerde<Event>(), store: 'table' });
  builder
    .stream(inputTopic, { value: jsonSerde<Event>() })
    .join(table, pairOf)
    .to(outputTopic, { value: jsonSerde<Pair>() });
  return builder.build();
}
