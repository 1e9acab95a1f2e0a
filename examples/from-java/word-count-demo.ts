import { int64Serde, stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';

const INPUT_TOPIC = 'streams-plaintext-input';
const OUTPUT_TOPIC = 'streams-wordcount-output';

/** WordCountDemo.java: the newest count of each word. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const source = builder.stream(INPUT_TOPIC, { value: stringSerde });

  const counts = source
    .flatMapValues((value) => split(value.toLowerCase()))
    .groupBy((word) => word, { name: 'by-word' })
    .count({ store: 'counts' });

  counts.toStream().to(OUTPUT_TOPIC, { value: int64Serde });
  return builder.build();
}

/** Java's `split("\\W+")`: empty words at the end are left out, unless nothing was split. JavaScript keeps them. */
function split(text: string): string[] {
  const words = text.split(/\W+/);
  while (words.length > 1 && words.at(-1) === '') words.pop();
  return words.length === 1 && words[0] === '' && text !== '' ? [] : words;
}
