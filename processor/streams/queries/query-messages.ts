import { deserialize } from 'node:v8';
import { StreamsError, type ErrorCode } from '../errors.ts';
import { textOf } from '../options.ts';
import { isStoreName } from '../store/data-key.ts';
import { ORDER_TYPES, type OrderType } from './order-text.ts';
import type { OrderRead, OwnerAnswer, OwnerQuestion } from './owner-reads.ts';
import { structuredBytes } from './structured-bytes.ts';

/** What one frame asks. */
interface Asked {
  readonly questions: readonly OwnerQuestion[];
  /** How long a question may wait for its `minPosition`. */
  readonly waitMs: number;
}

/** What an instance says to one question. */
export type OwnerReply =
  | { readonly kind: 'answer'; readonly answer: OwnerAnswer }
  /** It does not have the task, or not to answer with; who has it, as far as it knows: ids of instances. */
  | { readonly kind: 'absent'; readonly active: string | undefined; readonly standbys: readonly string[] }
  | { readonly kind: 'behind'; readonly position: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** What one frame answers: the question of this number in the frame that asked. */
type Replied = readonly [index: number, reply: OwnerReply];

const MOST_KEYS = 1_000;
const VALUE_TYPES = ['string', 'number', 'bigint', 'boolean'];
export const MOST_QUESTIONS = 1_000;
/** An instance waits no longer, whatever it is asked: who asks it comes again. */
export const LONGEST_WAIT_MS = 2_000;

export function encodeMessage(message: Asked | Replied): Buffer {
  return structuredBytes(message);
}

/** The opposite; @throws for bytes that are no message. */
export function decodeReplied(body: Buffer): Replied {
  return deserialize(body) as Replied;
}

/** @throws StreamsError CONFIG_INVALID, or what `deserialize` throws: the caller is no OwnerReads. */
export function decodeAsked(body: Buffer): Asked {
  const asked: unknown = deserialize(body);
  const { questions, waitMs } = (asked ?? {}) as { readonly [part in keyof Asked]?: unknown };
  if (!Array.isArray(questions) || questions.length > MOST_QUESTIONS || typeof waitMs !== 'number')
    throw new StreamsError('CONFIG_INVALID', 'a frame that holds no questions');
  return { questions: questions as OwnerQuestion[], waitMs: Math.min(Math.max(0, waitMs || 0), LONGEST_WAIT_MS) };
}

/** Undefined for a question that can be answered. */
export function faultOf(question: unknown): StreamsError | undefined {
  const { store, partition, allowStale, minPosition, read } = (question ?? {}) as {
    readonly [part in keyof OwnerQuestion]?: unknown;
  };
  if (!isStoreName(store)) return fault('store takes the name of a store', store);
  if (!isCount(partition, 0)) return fault('partition takes a whole number from 0 on', partition);
  if (typeof allowStale !== 'boolean') return fault('allowStale is true or false', allowStale);
  if (minPosition !== undefined && !isCount(minPosition, 0)) return fault('minPosition takes an offset', minPosition);
  return faultOfRead(read);
}

function faultOfRead(read: unknown): StreamsError | undefined {
  const { kind, keys, from, to, rest, reverse, limit } = (read ?? {}) as { readonly [part: string]: unknown };
  if (kind === 'rows') {
    if (!Array.isArray(keys) || keys.length > MOST_KEYS || !keys.every(isBytes))
      return fault(`keys takes a list of at most ${String(MOST_KEYS)} keys in bytes`, keys);
    return undefined;
  }
  if (kind !== 'range' && kind !== 'order') return fault('read.kind is "rows", "range" or "order"', kind);
  for (const [name, bound] of Object.entries({ from, to }))
    if (bound !== undefined && !isBytes(bound)) return fault(`${name} of a range takes bytes`, bound);
  if (reverse !== undefined && typeof reverse !== 'boolean') return fault('reverse is true or false', reverse);
  if (!isCount(limit, 1)) return fault('limit of a range takes a whole number from 1 on', limit);
  if (kind === 'order') return faultOfOrder(read as { readonly [part in keyof OrderRead]?: unknown });
  if (rest === undefined) return undefined;
  const { at, tail = 0, bytes } = (rest ?? {}) as { readonly [part: string]: unknown };
  return isCount(at, 0) && isCount(tail, 0) && isBytes(bytes)
    ? undefined
    : fault('rest of a range takes `at`, `tail` and `bytes`', rest);
}

function faultOfOrder({ field, type, descending, after, at }: { readonly [part in keyof OrderRead]?: unknown }) {
  if (typeof field !== 'string' || field === '') return fault('field of an order takes the name of a field', field);
  if (!ORDER_TYPES.includes(type as OrderType)) return fault(`type of an order is one of ${ORDER_TYPES.join()}`, type);
  if (typeof descending !== 'boolean') return fault('descending of an order is true or false', descending);
  if (at !== undefined && typeof at !== 'string') return fault('at of an order takes what `next` was', at);
  if (after === undefined) return undefined;
  const { value, key } = (after ?? {}) as { readonly [part: string]: unknown };
  const isPlace = isBytes(key) && (value === null || VALUE_TYPES.includes(typeof value));
  return isPlace ? undefined : fault('after of an order takes `value` and `key`', after);
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}

function fault(what: string, value: unknown): StreamsError {
  return new StreamsError('CONFIG_INVALID', `a question to an owner: ${what}, not ${textOf(value)}`);
}
