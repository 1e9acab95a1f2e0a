import type { StateCode } from './states.ts';

export type Device = 'ios' | 'android' | 'other';

/** The fields of a login record, in the order in which answers list them. */
export const LOGIN_FIELDS = Object.freeze([
  'user_id',
  'app_version',
  'device_type',
  'ip',
  'locale',
  'device_id',
  'timestamp',
] as const);
export type LoginField = (typeof LOGIN_FIELDS)[number];

/** What counting needs of a login record, and what was wrong with it; nothing that tells who logged in. */
export interface Login {
  readonly device: Device;
  /** Null: unattributed. */
  readonly state: StateCode | null;
  /** Epoch milliseconds, whole. */
  readonly eventTimeMs: number;
  /** A set of bits, 0 for a clean login: see `missingFields` and `invalidFields`. */
  readonly flaws: number;
}

const INVALID_SHIFT = LOGIN_FIELDS.length;

/** The flaw bit of a field that is absent, null or blank. `fieldIndex`: its place in `LOGIN_FIELDS`. */
export function missingFlaw(fieldIndex: number): number {
  return 1 << fieldIndex;
}

/** The flaw bit of a field that is present but unusable. */
export function invalidFlaw(fieldIndex: number): number {
  return 1 << (fieldIndex + INVALID_SHIFT);
}

/** The absent, null or blank fields in a set of flaws. */
export function missingFields(flaws: number): readonly LoginField[] {
  return named(missingByFlaws, flaws, missingFlaw);
}

/** The present but unusable fields in a set of flaws. */
export function invalidFields(flaws: number): readonly LoginField[] {
  return named(invalidByFlaws, flaws, invalidFlaw);
}

/** Few sets of flaws occur, and one login in twenty has one: each set is spelt out once. At most 2^14 entries. */
const missingByFlaws = new Map<number, readonly LoginField[]>();
const invalidByFlaws = new Map<number, readonly LoginField[]>();

function named(
  known: Map<number, readonly LoginField[]>,
  flaws: number,
  flawOf: (fieldIndex: number) => number,
): readonly LoginField[] {
  let fields = known.get(flaws);
  if (fields === undefined) {
    fields = Object.freeze(LOGIN_FIELDS.filter((_, index) => (flaws & flawOf(index)) !== 0));
    known.set(flaws, fields);
  }
  return fields;
}
