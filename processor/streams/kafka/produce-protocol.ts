import { createRequire } from 'node:module';
import { freeBytes } from '../free-bytes.ts';
import type { ProtocolRequest } from './broker.ts';

const require = createRequire(import.meta.url);
const { decode } = require('#kafkajs/src/protocol/requests/produce/v7/response.js') as ProtocolRequest['response'];

const PRODUCE = 0;
const VERSION = 7;
const NULL_STRING = -1;

interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  /** One batch a partition. */
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly batch: Buffer }[];
  }[];
}

/** For each partition whether it was refused; kafkajs would throw the first refusal and hide the others. */
export interface ProduceResponse {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly baseOffset: string;
    }[];
  }[];
}

/** Whoever has an answer to it calls `free`: what is sent again is encoded again. */
interface EncodedProduce extends ProtocolRequest {
  /** Gives the memory of its batches back, and that of what kafkajs has copied them to. */
  free(): void;
}

/**
 * A Produce v7 request around batches that are encoded already: the newest version that kafkajs knows, read by every
 * broker since 2.1.
 */
export function produceRequest(options: ProduceRequest): EncodedProduce {
  let copies: Buffer[] = [];
  return {
    request: {
      apiKey: PRODUCE,
      apiVersion: VERSION,
      apiName: 'Produce',
      encode: async () => new EncodedParts(encode(options), (copy) => copies.push(copy)),
    },
    response: { decode, parse: async (data) => data },
    free: () => {
      for (const copy of copies) freeBytes(copy);
      copies = [];
      for (const { partitions } of options.topics) for (const { batch } of partitions) freeBytes(batch);
    },
  };
}

/**
 * What an encoder of kafkajs takes for another one, which it copies from: batches go into the request one by one, with
 * no copy of all of them before.
 */
class EncodedParts {
  readonly buf: Buffer = Buffer.alloc(0);
  readonly length: number;
  readonly #parts: readonly Buffer[];
  readonly #onCopy: (into: Buffer) => void;

  constructor(parts: readonly Buffer[], onCopy: (into: Buffer) => void) {
    this.#parts = parts;
    this.#onCopy = onCopy;
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
  }

  get buffer(): this {
    return this;
  }

  copy(into: Buffer, at: number): number {
    let to = at;
    for (const part of this.#parts) to += part.copy(into, to);
    this.#onCopy(into);
    return to - at;
  }
}

function encode({ transactionalId, acks, timeoutMs, topics }: ProduceRequest): Buffer[] {
  const parts: Buffer[] = [];
  const head = Buffer.alloc(6);
  head.writeInt16BE(acks, 0);
  head.writeInt32BE(timeoutMs, 2);
  parts.push(text(transactionalId), head, int32(topics.length));
  for (const { topic, partitions } of topics) {
    parts.push(text(topic), int32(partitions.length));
    for (const { partition, batch } of partitions) parts.push(int32(partition), int32(batch.length), batch);
  }
  return parts;
}

function text(value: string | null): Buffer {
  const bytes = Buffer.from(value ?? '');
  const length = Buffer.alloc(2);
  length.writeInt16BE(value === null ? NULL_STRING : bytes.length);
  return Buffer.concat([length, bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
