import { StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';

/** A record goes through two tasks: it is repartitioned by its value, and sent. */
export function buildTopology({ input, output }: { readonly input: string; readonly output: string }): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { value: stringSerde })
    .selectKey((value) => value)
    .repartition({ name: 'by-value', value: stringSerde })
    .to(output, { value: stringSerde });
  return builder.build();
}
