import { types } from 'node:util';
import type { Aggregate, AggregatedRecord } from './aggregate.ts';
import type { Serde } from './serdes.ts';
import { serialized, settled, takesRecord } from './user-code.ts';

/*
 * A value that somebody may change belongs to one consumer. Where there are several, each gets its own: through the
 * serde where there is one, as a copy of plain data where there is none.
 */

type Copies = Map<object, unknown>;

/** A value that nobody else has, by way of its bytes; what cannot be changed is itself. */
export function copyThrough<T>(serde: Serde<T>, value: T): T {
  // A serde may hand out the bytes themselves.
  return canChange(value) ? settled(serde.deserialize(serialized(serde.serialize(value)))) : value;
}

/**
 * A copy of plain data: objects, arrays, maps, sets, dates and bytes, to the depths. Instances of classes are
 * themselves: what they hide cannot be copied.
 */
export function copyOf<T>(value: T): T {
  return canChange(value) ? (copyObject(value, undefined) as T) : value;
}

/**
 * What user code is given of a row that it may change in place: where its failure may be let pass a copy, or half of a
 * change would stay in the row until the commit and be committed.
 */
export function givenOf(
  { serde }: Pick<Aggregate<never, unknown>, 'serde'>,
  { letsFailuresPass }: { readonly letsFailuresPass: boolean },
): (value: unknown) => unknown {
  // mutant: half-changed
  return letsFailuresPass ? (value) => copyThrough(serde as Serde<unknown>, value) : (value) => value;
}

/** Adds a value, of a record of this key and event time. Null and undefined as an answer: no row. */
export type Add = (acc: unknown, value: unknown, key: unknown, timestampMs: number) => unknown;

const NOT_LOOKED_AT: AggregatedRecord<never> = { key: undefined as never, timestampMs: NaN };

/** `add` of an aggregate, or another of its functions; where it answers the value that it was given, a copy. */
export function addOwn(aggregate: Aggregate<unknown, unknown>, part: 'add' | 'subtract' | 'merge'): Add {
  const { serde } = aggregate;
  const call = aggregate[part] as (acc: unknown, value: unknown, record: AggregatedRecord) => unknown;
  const added: Add = takesRecord(call)
    ? (acc, value, key, timestampMs) => call.call(aggregate, acc, value, { key, timestampMs })
    : (acc, value) => call.call(aggregate, acc, value, NOT_LOOKED_AT);
  return (acc, value, key, at) => {
    const next = added(acc, value, key, at);
    // mutant: own-sum
    return next === value ? copyThrough(serde, next) : next;
  };
}

/** `empty` of an aggregate, a value of its own at each call, also where the aggregate answers one constant. */
export function emptyOf<A>(aggregate: Aggregate<never, A>): () => A {
  const first = aggregate.empty();
  const [parts, others] = [partsOf(first), partsOf(aggregate.empty())];
  if (![...others].some((part) => parts.has(part))) return () => aggregate.empty();
  const pristine = copyOf(first);
  // mutant: own-empty
  return () => copyOf(pristine);
}

/** Whether somebody who has the value could change it. */
export function canChange(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * The prototypes above a value: 1 for a plain object of any realm, 2 for what is built in, more for what is derived.
 */
function depthOf(value: object): number {
  let depth = 0;
  for (let at: unknown = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) depth += 1;
  return depth;
}

function copyObject(value: object, known: Copies | undefined): unknown {
  const before = known?.get(value);
  if (before !== undefined) return before;
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  const depth = depthOf(value);
  if (Array.isArray(value) && depth === 2) {
    const copy: unknown[] = [];
    const copies = remember(known, value, copy);
    for (const item of value) copy.push(copyPart(item, copies));
    // What a match of a regular expression has beside its items.
    const names = Object.keys(value);
    if (names.length > value.length)
      for (const name of names.slice(value.length))
        Object.assign(copy, { [name]: copyPart((value as unknown as Record<string, unknown>)[name], copies) });
    return copy;
  }
  if (depth <= 1) {
    const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>;
    const copies = remember(known, value, copy);
    for (const name of Object.keys(value)) {
      const part = copyPart((value as Record<string, unknown>)[name], copies);
      // Assigned, this name would set the prototype.
      if (name === '__proto__')
        Object.defineProperty(copy, name, { value: part, enumerable: true, writable: true, configurable: true });
      else copy[name] = part;
    }
    return copy;
  }
  if (types.isMap(value) && depth === 2) {
    const copy = new Map<unknown, unknown>();
    const copies = remember(known, value, copy);
    for (const [key, item] of value) copy.set(copyPart(key, copies), copyPart(item, copies));
    return copy;
  }
  if (types.isSet(value) && depth === 2) {
    const copy = new Set<unknown>();
    const copies = remember(known, value, copy);
    for (const item of value) copy.add(copyPart(item, copies));
    return copy;
  }
  if (types.isDate(value) && depth === 2) return new Date(value.getTime());
  if (types.isTypedArray(value)) return value.slice();
  return value;
}

function copyPart(value: unknown, copies: Copies): unknown {
  return canChange(value) ? copyObject(value, copies) : value;
}

function remember(known: Copies | undefined, value: object, copy: unknown): Copies {
  return (known ?? new Map<object, unknown>()).set(value, copy);
}

/** Every object that `copyOf` would copy. */
function partsOf(value: unknown, found: Set<object> = new Set()): Set<object> {
  if (!canChange(value) || found.has(value)) return found;
  const depth = depthOf(value);
  const isContainer =
    depth <= 1 ||
    (depth === 2 && (Array.isArray(value) || types.isMap(value) || types.isSet(value) || types.isDate(value))) ||
    types.isTypedArray(value);
  if (!isContainer) return found;
  found.add(value);
  if (types.isTypedArray(value) || types.isDate(value)) return found;
  const parts: Iterable<unknown> = types.isMap(value)
    ? [...value.keys(), ...value.values()]
    : types.isSet(value)
      ? value
      : Object.values(value);
  for (const part of parts) partsOf(part, found);
  return found;
}
