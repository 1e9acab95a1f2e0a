import { z } from 'zod';
import { DeadLetter, type Decoder, StreamsBuilder, type Topology } from '@tributary/streams';

/** A serde as any application would write it: JSON.parse, then a schema over every field. */
const login = z.object({
  user_id: z.string(),
  app_version: z.string(),
  ip: z.string(),
  locale: z.string(),
  device_id: z.string(),
  timestamp: z.number(),
  device_type: z.string().optional(),
});
type Login = z.infer<typeof login>;

const decode: Decoder<Login> = ({ value }) => {
  try {
    const parsed = login.safeParse(JSON.parse(value?.toString('utf8') ?? ''));
    return parsed.success ? parsed.data : new DeadLetter('NOT_A_LOGIN', parsed.error.issues[0]?.message ?? '');
  } catch {
    return new DeadLetter('NOT_JSON', 'The value is not JSON.');
  }
};

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
    .groupBy(({ locale, device_type: deviceType }) => `${locale}|${deviceType ?? 'null'}`, { name: 'by-key' })
    .count({ store: 'counts' });
  return builder.build();
}
