import { StreamsBuilder, stringSerde, type Topology } from '@tributary/streams';
import { avroSerde, schemaRegistry } from '@tributary/streams/schema-registry';

export interface RegistryTopologyOptions {
  readonly url: string;
  /** Texts in Avro, and texts as they are: tasks of their own. */
  readonly avro: string;
  readonly plain: string;
  readonly output: string;
  readonly deadLetters: string;
}

/** Hands on what two topics hold, one of them by a schema registry. */
export function buildTopology({ url, avro, plain, output, deadLetters }: RegistryTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const registry = schemaRegistry({ url, timeoutMs: 500 });
  builder
    .stream(avro, { value: avroSerde<string>(registry), deadLetterTopic: deadLetters })
    .to(output, { value: stringSerde });
  builder.stream(plain, { value: stringSerde }).to(output);
  return builder.build();
}
