import { int64Serde, stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import { javaSplit } from './java-split.ts';

const INPUT_TOPIC = 'streams-plaintext-input';
const OUTPUT_TOPIC = 'streams-wordcount-output';

/** WordCountDemo.java: the newest count of each word. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const source = builder.stream(INPUT_TOPIC, { value: stringSerde });

  const counts = source
    .flatMapValues((value) => javaSplit(value.toLowerCase()))
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' });

  counts.toStream().to(OUTPUT_TOPIC, { value: int64Serde });
  return builder.build();
}
