import { DeadLetter, type Decoder, StreamsBuilder, type Topology } from '@tributary/streams';
import { FieldKind, flatJsonScanner } from '@tributary/streams/json';

export interface LoginOfState {
  readonly locale: string;
  readonly deviceType: string;
}

const FIELDS = ['locale', 'device_type'] as const;
const [LOCALE, DEVICE_TYPE] = [0, 1];
const scanner = flatJsonScanner(FIELDS);
const NOT_A_LOGIN = new DeadLetter('NOT_A_LOGIN', 'The value is not the JSON of a login.');

/** Short texts come again and again: each is made once. */
const texts = new Map<number, string>();

function textAt(bytes: Buffer, field: number): string {
  if (scanner.kinds[field] !== FieldKind.STRING) return 'null';
  const start = scanner.starts[field] as number;
  const end = scanner.ends[field] as number;
  if (end - start > 7) return bytes.toString('latin1', start, end);
  let packed = 1;
  for (let at = start; at < end; at++) packed = packed * 128 + (bytes[at] as number);
  const known = texts.get(packed);
  if (known !== undefined) return known;
  const text = bytes.toString('latin1', start, end);
  texts.set(packed, text);
  return text;
}

/** The two fields that are counted by, off the bytes; what is not plain flat JSON goes through JSON.parse. */
const decode: Decoder<LoginOfState> = ({ value }) => {
  if (value === null) return NOT_A_LOGIN;
  if (scanner.scan(value)) return { locale: textAt(value, LOCALE), deviceType: textAt(value, DEVICE_TYPE) };
  try {
    const { locale, device_type: deviceType } = JSON.parse(value.toString('utf8')) as {
      locale?: unknown;
      device_type?: unknown;
    };
    return { locale: String(locale ?? null), deviceType: String(deviceType ?? null) };
  } catch {
    return NOT_A_LOGIN;
  }
};

/** Word by word the job of bench/java: no windows, no checks. */
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
    .groupBy(({ locale, deviceType }) => `${locale}|${deviceType}`, { name: 'by-key' })
    .count({ store: 'counts' });
  return builder.build();
}
