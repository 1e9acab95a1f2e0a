import { existsSync, writeFileSync } from 'node:fs';
import { StreamsBuilder, type Topology } from '../../processor/streams/index.ts';

export interface HangingTopologyOptions {
  readonly topic: string;
  /** The record whose value is `hang` is processed as an endless loop until this file exists; the loop makes it first. */
  readonly marker: string;
}

/** Counts by value, and hangs once. */
export function buildTopology({ topic, marker }: HangingTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(topic, { decode: (record) => record.value?.toString('utf8') ?? '' })
    .peek((value) => {
      if (value !== 'hang' || existsSync(marker)) return;
      writeFileSync(marker, '');
      for (;;);
    })
    .groupBy((value) => value, { name: 'by-value' })
    .count({ store: 'counts' });
  return builder.build();
}
