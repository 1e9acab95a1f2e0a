import type { HeaderList } from './record.ts';
import type { Serde } from './serdes.ts';
import { serialized } from './user-code.ts';

/** A record of a stream that waits, with where it came from. */
export interface HeldRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly headers: HeaderList;
  readonly value: unknown;
}

/** Headers in base64: they are bytes. */
interface Origin extends Pick<HeldRecord, 'topic' | 'partition' | 'offset'> {
  readonly headers: readonly (readonly [string, string | null])[];
}

const LENGTH_BYTES = 4;

/** 4 bytes of a length, so much JSON of where the record came from, then the value. */
export function heldRecordSerde(values: Serde<unknown>): Serde<HeldRecord> {
  return {
    serialize: ({ value, headers, ...place }) => {
      const origin: Origin = {
        ...place,
        headers: headers.map(([name, bytes]) => [name, bytes === null ? null : bytes.toString('base64')]),
      };
      const json = Buffer.from(JSON.stringify(origin));
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(json.length);
      return Buffer.concat([length, json, serialized(values.serialize(value))]);
    },
    deserialize: (bytes) => {
      const end = LENGTH_BYTES + bytes.readUInt32BE();
      const { topic, partition, offset, headers } = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as Origin;
      return {
        topic,
        partition,
        offset,
        headers: headers.map(([name, text]) => [name, text === null ? null : Buffer.from(text, 'base64')]),
        value: values.deserialize(bytes.subarray(end)),
      };
    },
  };
}
