import { DeadLetter, type Decoder, StreamsBuilder, type Topology } from '@tributary/streams';
import { FieldKind, flatJsonScanner } from '@tributary/streams/json';

const scanner = flatJsonScanner(['device_id']);
const NOT_A_LOGIN = new DeadLetter('NOT_A_LOGIN', 'The value is not the JSON of a login.');

const decode: Decoder<string> = ({ value }) => {
  if (value === null || !scanner.scan(value) || scanner.kinds[0] !== FieldKind.STRING) return NOT_A_LOGIN;
  return value.toString('latin1', scanner.starts[0], scanner.ends[0]);
};

/** As many rows as there are devices: the store, its changelog and its restore are what this measures. */
export function buildTopology({
  inputTopic,
  deadLetterTopic,
}: {
  inputTopic: string;
  deadLetterTopic: string;
}): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(inputTopic, { decode, deadLetterTopic })
    .groupBy((device) => device, { name: 'by-key' })
    .count({ store: 'counts' });
  return builder.build();
}
