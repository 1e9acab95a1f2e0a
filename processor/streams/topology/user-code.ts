import { messageOf, StreamsError } from '../errors.ts';
import { offsetOf, recordPlace, type RecordOffset } from '../kafka/topic-partition.ts';
import { knownOf, stringSerde, type Serde } from './serdes.ts';
import { encodeKey, isThenable, kindOf } from '../store/key-text.ts';
import { UnreadableValueError } from './stored-value.ts';

/*
 * What functions of the topology throw, and answers that are of the wrong kind. The checks cost nothing while the
 * answer is right: they run where the first look has shown that it is not.
 */

/** Something that the user's code threw, or answered wrongly, at a node. The task adds where it was reading. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure';
  readonly node: string;

  constructor(node: string, cause: unknown) {
    super(messageOf(cause), { cause });
    this.node = node;
  }
}

/** What to throw for what was thrown at a node; what a node behind it or the runtime has thrown stays what it is. */
export function failedAt(node: string, error: unknown): unknown {
  return error instanceof StreamsError || error instanceof NodeFailure || error instanceof UnreadableValueError
    ? error
    : new NodeFailure(node, error);
}

/** The error of a task whose user code failed, at a record or while it did what is `where`. */
export function userCodeFailed(taskId: string, where: string | RecordOffset, error: unknown): StreamsError {
  if (error instanceof StreamsError) return error;
  const node = error instanceof NodeFailure ? `${error.node}, ` : '';
  const cause = error instanceof NodeFailure ? error.cause : error;
  const place = typeof where === 'string' ? where : recordPlace(where);
  return new StreamsError('USER_CODE_FAILED', `task ${taskId} failed at ${node}${place}: ${messageOf(error)}`, {
    cause,
    taskId,
    ...(typeof where === 'string' ? {} : offsetOf(where)),
  });
}

/** The value, unless it is a promise: nobody would wait for it. */
export function settled<T>(value: T): T {
  if (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
    refuseAnswer(value, 'a value');
  return value;
}

/** What `flatMap` and `flatMapValues` go through. */
export function iterable<T>(answer: Iterable<T>): Iterable<T> {
  if (typeof (answer as Partial<Iterable<T>> | null | undefined)?.[Symbol.iterator] !== 'function')
    refuseAnswer(answer, 'an iterable, such as an array');
  return answer;
}

/** Whether a predicate that answered neither true nor false lets the record pass, by JavaScript's rules. */
export function isTruthy(answer: unknown): boolean {
  // mutant: no-promise
  if (isThenable(answer)) refuseAnswer(answer, 'true or false');
  return Boolean(answer);
}

/** A key or a value as it may be: undefined is none. */
export function orNull(answer: unknown): unknown {
  return answer === undefined ? null : settled(answer);
}

/** The pair that `map` and `flatMap` answer. */
export function checkedPair<P extends { readonly value: unknown }>(pair: P): P {
  if (typeof pair !== 'object' || pair === null || !('value' in pair)) refuseAnswer(pair, '{ key, value }');
  settled(pair.value);
  return pair;
}

/** The bytes of a key. @throws TypeError for a promise and for what is no text, and what the serde throws. */
export function keyBytesOf(serde: Serde<unknown>, key: unknown): Buffer {
  if (serde === (stringSerde as unknown)) return encodeKey(key as string);
  return serialized(serde.serialize(settled(key)));
}

/** Whether a selector said that the record has no key. */
export function isNoKey(key: unknown): key is null | undefined {
  return key === null || key === undefined;
}

/** What an aggregate answered; null and undefined are no row. */
export function aggregated<A>(answer: A): A {
  if (isThenable(answer)) refuseAnswer(answer, 'the aggregate');
  return answer;
}

/** What a serde's `serialize` answered: a copy, since it may answer the same bytes for the next value. */
export function serialized(bytes: unknown): Buffer {
  // mutant: own-serialized
  if (bytes instanceof Uint8Array) return Buffer.from(bytes);
  return refuseAnswer(bytes, 'a Buffer');
}

/** The same for one who copies them before the next value is serialized. */
export function bytesIn(answer: unknown): Uint8Array {
  return answer instanceof Uint8Array ? answer : refuseAnswer(answer, 'a Buffer');
}

/** The same of a serde, which is looked at once: bytes that are new at each call need no copy (serdes.ts). */
export function serializer<V>(serde: Serde<V>): (value: V) => Buffer {
  const { hasNewBytes = false } = knownOf(serde);
  return hasNewBytes ? (value) => serde.serialize(value) : (value) => serialized(serde.serialize(value));
}

/** The bytes of a value that a store is to keep. `areNew`: the serde's bytes need no copy (serdes.ts). */
export function storedBytes<V>(store: string, serde: Serde<V>, value: V, areNew = false): Buffer {
  try {
    return areNew ? serde.serialize(value) : serialized(serde.serialize(value));
  } catch (error) {
    throw failedAt(`the store "${store}"`, error);
  }
}

/** A name, or a pattern of names, that takes one argument. */
const PARAMETER = String.raw`(?:[\w$]*|\{[\w$\s,:]*\})`;

/** Patterns of functions of at most so many parameters: an arrow function, which has no `arguments` either; others. */
function functionsOf(parameters: number): readonly [arrow: RegExp, other: RegExp] {
  const list = Array.from({ length: parameters }, () => String.raw`\s*${PARAMETER}\s*`).join(',?');
  return [
    new RegExp(String.raw`^(async\s*)?(\(${list},?\s*\)|[\w$]+)\s*=>`),
    new RegExp(String.raw`^(async\s+)?(function\b\s*)?[\w$]*\s*\(${list},?\s*\)\s*\{`),
  ];
}

const OF_ONE = functionsOf(1);
const OF_TWO = functionsOf(2);

/** Whether a callback may see more than its first arguments: its text does not show that it does not. */
function takesMore(callback: (...args: never[]) => unknown, [arrow, other]: readonly [RegExp, RegExp]): boolean {
  const text = Function.prototype.toString.call(callback);
  return !arrow.test(text) && (!other.test(text) || /\b(arguments|native code)\b/.test(text));
}

/** Whether a callback of (value, key, …) may see the key. */
export function takesKey(callback: (...args: never[]) => unknown): boolean {
  return callback.length >= 2 || takesMore(callback, OF_ONE);
}

/** Whether a callback of (value, key, record) may see the record. */
export function takesRecord(callback: (...args: never[]) => unknown): boolean {
  return callback.length >= 3 || takesMore(callback, OF_TWO);
}

/** @throws TypeError saying what was expected of a function, and what came. */
export function refuseAnswer(answer: unknown, expected: string): never {
  // Its failure would end the thread, in the name of nobody.
  if (isThenable(answer)) void Promise.resolve(answer).catch(() => undefined);
  throw new TypeError(`the function must answer ${expected}, not ${kindOf(answer)}`);
}
