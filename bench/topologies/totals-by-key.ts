import { jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';
import type { Event, KeyedJobOptions } from './keyed-event.ts';

/** What is kept of each key. */
interface Totals {
  readonly events: number;
  readonly cents: number;
}

/** A row a key, no shuffle, and rows that a live API can serve. */
export function buildTopology({ inputTopic }: Pick<KeyedJobOptions, 'inputTopic'>): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(inputTopic, { value: jsonSerde<Event>() })
    .groupByKey()
    .aggregate<Totals>(
      {
        empty: () => ({ events: 0, cents: 0 }),
        add: ({ events, cents }, event) => ({ events: events + 1, cents: cents + event.cents }),
        serde: jsonSerde<Totals>(),
      },
      { store: 'totals' },
    );
  return builder.build();
}
