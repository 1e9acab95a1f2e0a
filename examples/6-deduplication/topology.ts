import { int64Serde, stringSerde, StreamsBuilder, windowStore, type Topology } from '@tributary/streams';

export interface DeduplicationOptions {
  /** Events keyed by their id; a sender that was in doubt sends one again. */
  readonly input: string;
  readonly output: string;
  /** For how long an id is remembered, in event time. */
  readonly rememberedMs: number;
}

/** Lets an event pass when none of its id has passed in the time before or after it. Older ids are forgotten. */
export function buildTopology({ input, output, rememberedMs }: DeduplicationOptions): Topology {
  const builder = new StreamsBuilder();
  const passed = windowStore('passed', { value: int64Serde, sizeMs: rememberedMs, retentionMs: rememberedMs });
  builder
    .stream(input, { value: stringSerde })
    .processValues<string>(
      (context) => {
        const ids = context.store(passed);
        return (event, id, { timestampMs, offset }) => {
          if (id === null) return;
          const [before] = ids.fetch(id, timestampMs - rememberedMs, timestampMs + rememberedMs);
          if (before !== undefined) return;
          ids.put(id, timestampMs, offset);
          context.forward(event);
        };
      },
      { stores: [passed] },
    )
    .to(output, { value: stringSerde });
  return builder.build();
}
