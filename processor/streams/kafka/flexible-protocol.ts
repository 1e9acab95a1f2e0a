import { createRequire } from 'node:module';
import type { ProtocolRequest } from './broker.ts';

const require = createRequire(import.meta.url);
const Encoder = require('#kafkajs/src/protocol/encoder.js') as new () => { writeBuffer(bytes: Buffer): unknown };

/** An empty list of tagged fields, which ends every structure and both headers of a flexible request. */
export const NO_TAGS = Buffer.from([0]);

/**
 * A request that kafkajs does not speak, over kafkajs' connections. The versions that Kafka calls flexible (KIP-482)
 * have compact lengths and tagged fields, which kafkajs knows nothing of: the second header's tags are written here,
 * before `body`.
 */
export function flexibleRequest<T>(options: {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly body: Buffer;
  readonly decode: (reader: FlexibleReader) => T;
}): ProtocolRequest {
  const { apiKey, apiVersion, apiName, body, decode } = options;
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      encode: async () => new Encoder().writeBuffer(Buffer.concat([NO_TAGS, body])),
    },
    response: {
      decode: async (bytes) => {
        const reader = new FlexibleReader(bytes);
        reader.skipTags();
        return decode(reader);
      },
      parse: async (data) => data,
    },
  };
}

export function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The length of a compact array, before its elements. */
export function compactLength(length: number): Buffer {
  return uvarint(length + 1);
}

export function compactString(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([compactLength(bytes.length), bytes]);
}

/** Reads a flexible response field by field, in the order of the protocol. */
export class FlexibleReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  bytes(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at] as number;
      this.#at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** Null is read as empty. */
  string(): string {
    const length = this.uvarint();
    return length === 0 ? '' : this.bytes(length - 1).toString('utf8');
  }

  /** Null is read as empty. */
  array<T>(element: (reader: this) => T): T[] {
    return Array.from({ length: Math.max(0, this.uvarint() - 1) }, () => element(this));
  }

  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
}
