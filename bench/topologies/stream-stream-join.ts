import { joinWindows, jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import { type Event, type KeyedJobOptions, type Pair, pairOf } from './keyed-event.ts';

export function buildTopology({
  inputTopic,
  otherTopic,
  outputTopic,
  differenceMs,
  graceMs,
}: KeyedJobOptions): Topology {
  const builder = new StreamsBuilder();
  const right = builder.stream(otherTopic, { value: jsonSerde<Event>() });
  builder
    .stream(inputTopic, { value: jsonSerde<Event>() })
    .join(right, pairOf, { windows: joinWindows({ differenceMs, graceMs }), name: 'pairs' })
    .to(outputTopic, { value: jsonSerde<Pair>() });
  return builder.build();
}
