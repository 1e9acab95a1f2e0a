import { messageOf, StreamsError } from '../errors.ts';
import type { Serde } from './serdes.ts';
import { checkKeyText, isThenable, kindOf } from '../store/key-text.ts';
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

/** The error of a task whose user code failed. `where`: what it was doing. */
export function userCodeFailed(taskId: string, where: string, error: unknown): StreamsError {
  if (error instanceof StreamsError) return error;
  const node = error instanceof NodeFailure ? `${error.node}, ` : '';
  const cause = error instanceof NodeFailure ? error.cause : error;
  return new StreamsError('USER_CODE_FAILED', `task ${taskId} failed at ${node}${where}: ${messageOf(error)}`, {
    cause,
    taskId,
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

/** A key as it may be: undefined is none. */
export function keyOrNull(key: unknown): string | null {
  if (typeof key === 'string') return key;
  if (key === null || key === undefined) return null;
  return refuseAnswer(key, 'a key, which is text or null');
}

/** The pair that `map` and `flatMap` answer. */
export function checkedPair<P extends { readonly value: unknown }>(pair: P): P {
  if (typeof pair !== 'object' || pair === null || !('value' in pair)) refuseAnswer(pair, '{ key, value }');
  settled(pair.value);
  return pair;
}

/** The key that a record is grouped by: null and undefined are none. */
export function groupingKey(key: unknown): string | undefined {
  const text = keyOrNull(key);
  if (text === null) return undefined;
  checkKeyText(text);
  return text;
}

/** What an aggregate answered; undefined is no row that could be kept. */
export function aggregated<A>(answer: A): A {
  if (answer === undefined || isThenable(answer)) refuseAnswer(answer, 'the aggregate');
  return answer;
}

/** What a serde's `serialize` answered: a copy, since it may answer the same bytes for the next value. */
export function serialized(bytes: unknown): Buffer {
  // mutant: own-serialized
  if (bytes instanceof Uint8Array) return Buffer.from(bytes);
  return refuseAnswer(bytes, 'a Buffer');
}

/** The bytes of a value that a store is to keep. */
export function storedBytes<V>(store: string, serde: Serde<V>, value: V): Buffer {
  try {
    return serialized(serde.serialize(value));
  } catch (error) {
    throw failedAt(`the store "${store}"`, error);
  }
}

/** `() =>`, `value =>`, `(value) =>`, `({ a, b: c }) =>`: an arrow function has no `arguments` either. */
const ARROW_OF_ONE = /^(async\s*)?(\(\s*([\w$]*|\{[\w$\s,:]*\})\s*,?\s*\)|[\w$]+)\s*=>/;
/** `process(value) {`, `function name(value) {` */
const FUNCTION_OF_ONE = /^(async\s+)?(function\b\s*)?[\w$]*\s*\(\s*[\w$]*\s*,?\s*\)\s*\{/;

/**
 * Whether a callback of (value, key, …) may see the key: it has a parameter for it, or its text does not show that it
 * has none.
 */
export function takesKey(callback: (...args: never[]) => unknown): boolean {
  if (callback.length >= 2) return true;
  const text = Function.prototype.toString.call(callback);
  return !ARROW_OF_ONE.test(text) && (!FUNCTION_OF_ONE.test(text) || /\b(arguments|native code)\b/.test(text));
}

function refuseAnswer(answer: unknown, expected: string): never {
  // Its failure would end the thread, in the name of nobody.
  if (isThenable(answer)) void Promise.resolve(answer).catch(() => undefined);
  throw new TypeError(`the function must answer ${expected}, not ${kindOf(answer)}`);
}
