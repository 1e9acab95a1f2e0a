import { existsSync, writeFileSync } from 'node:fs';
import { StreamsBuilder, type Topology } from '@tributary/streams';

export interface HangingTopologyOptions {
  readonly topic: string;
  /**
   * The record whose value is `hang` is processed as an endless loop until this file exists; the loop makes it first.
   */
  readonly marker?: string;
  /** Where there is no marker the decoder never comes back from `hang`. */
  readonly deadLetterTopic?: string;
}

/** Counts by value, and hangs once, or whenever it meets the record. */
export function buildTopology({ topic, marker, deadLetterTopic }: HangingTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const decode = ({ value }: { readonly value: Buffer | null }): string => {
    const text = value?.toString('utf8') ?? '';
    if (text === 'hang' && marker === undefined) for (;;);
    return text;
  };
  builder
    .stream(topic, deadLetterTopic === undefined ? { decode } : { decode, deadLetterTopic })
    .peek((value) => {
      if (value !== 'hang' || marker === undefined || existsSync(marker)) return;
      writeFileSync(marker, '');
      for (;;);
    })
    .groupBy((value) => value, { name: 'by-value' })
    .count({ store: 'counts' });
  return builder.build();
}
