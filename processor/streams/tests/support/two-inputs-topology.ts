import { stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';

export interface TwoInputsOptions {
  readonly left: string;
  readonly right: string;
  readonly output: string;
}

/** What comes from either topic, in the order in which a task takes it. */
export function buildTopology({ left, right, output }: TwoInputsOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(left, { value: stringSerde })
    .merge(builder.stream(right, { value: stringSerde }))
    .to(output);
  return builder.build();
}
