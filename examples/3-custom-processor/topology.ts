import {
  jsonSerde,
  stringSerde,
  StreamsBuilder,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type RecordContext,
  type StoreSpec,
  type Topology,
} from '@tributary/streams';

export interface DeduplicateOptions {
  /** Events keyed by their id; a sender that was in doubt sends one twice. */
  readonly input: string;
  readonly output: string;
}

/** When an id was first seen, epoch milliseconds. */
const seenStore: StoreSpec<number> = { name: 'seen', kind: 'key-value', serde: jsonSerde<number>() };

/** Lets the first event of each id pass. Both of a pair have the same key, so they meet in the same task. */
class FirstOnly implements Processor<string | null, string, string, string> {
  #context: ProcessorContext<string, string> | undefined;
  #seen: KeyValueStore<string, number> | undefined;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#seen = context.keyValueStore<number>(seenStore.name);
  }

  process(event: string, id: string | null, { timestampMs }: RecordContext): void {
    if (id === null || this.#seen?.get(id) !== undefined) return;
    this.#seen?.put(id, timestampMs);
    this.#context?.forward(id, event);
  }
}

/** Each event once, although it may have been sent more often. */
export function buildTopology({ input, output }: DeduplicateOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { decode: ({ value }) => value?.toString('utf8') ?? '' })
    .process(() => new FirstOnly(), { stores: [seenStore] })
    .to(output, { value: stringSerde });
  return builder.build();
}
