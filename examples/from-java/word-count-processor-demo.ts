import { int32Serde, keyValueStore, stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import { javaSplit } from './java-split.ts';

/** WordCountProcessorDemo.java: a processor that counts words, and tells all counts every second of stream time. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const counts = keyValueStore('Counts', { value: int32Serde, inMemory: true });
  builder
    .stream('streams-plaintext-input', { value: stringSerde })
    .process<string, string>(
      (context) => {
        const rows = context.store(counts);
        context.schedule({ everyMs: 1_000, clock: 'stream-time' }, (timestampMs) => {
          for (const [word, count] of rows.all()) context.forward(word, String(count), { timestampMs });
        });
        return (line) => {
          for (const word of javaSplit(line.toLowerCase())) rows.put(word, (rows.get(word) ?? 0) + 1);
        };
      },
      { stores: [counts] },
    )
    .to('streams-wordcount-processor-output', { value: stringSerde });
  return builder.build();
}
