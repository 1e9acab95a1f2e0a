/** What a wanted field holds. `ABSENT` is 0, so that a cleared scan says that nothing was found. */
export const FieldKind = { ABSENT: 0, NULL: 1, TRUE: 2, FALSE: 3, NUMBER: 4, STRING: 5 } as const;
export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/**
 * A reusable one-pass reader of flat JSON objects: it allocates nothing a record, and its answers are overwritten by
 * the next `scan`. One per thread of control; not to be shared across an `await`.
 */
export interface FlatJsonScanner {
  /** By field, in the order given to `flatJsonScanner`: a `FieldKind`. */
  readonly kinds: Uint8Array;
  /** By field: where the number's, or the string's unquoted, text begins. Only for NUMBER and STRING. */
  readonly starts: Int32Array;
  /** By field: where that text ends (exclusive). */
  readonly ends: Int32Array;
  /**
   * True: the bytes are a valid JSON object, nothing in it needs more than a look at its bytes, and the arrays above
   * say where each wanted field is; `JSON.parse` would have found the same. False: the bytes may be anything, valid
   * JSON too; ask `JSON.parse`. Not clean are: any byte outside ASCII, an escape, a control character in a string, a
   * nested object or array (in any field), a wanted field given twice, a number with an exponent, trailing bytes, and
   * of course whatever is not JSON.
   */
  scan(bytes: Uint8Array): boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * 1 for the bytes that stand for themselves inside a JSON string: printable ASCII and DEL, but no quote, no backslash.
 */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte === QUOTE || byte === 0x5c ? 0 : 1;

const TRUE_BYTES = Buffer.from('true');
const FALSE_BYTES = Buffer.from('false');
const NULL_BYTES = Buffer.from('null');

/** Keys after this many are not predicted, only searched. */
const PREDICTED_KEYS = 64;

/**
 * @param fields the wanted keys, each once, in printable ASCII without quote or backslash. Other keys are checked to be
 *   well-formed and skipped.
 * @throws RangeError for a field name that could never be found.
 */
export function flatJsonScanner(fields: readonly string[]): FlatJsonScanner {
  const names = fields.map((field, index) => {
    const bytes = Buffer.from(field);
    if (bytes.some((byte) => PLAIN[byte] !== 1)) throw new RangeError(`field "${field}" is not plain ASCII`);
    if (fields.indexOf(field) !== index) throw new RangeError(`field "${field}" is given twice`);
    return bytes;
  });
  return new Scanner(names);
}

class Scanner implements FlatJsonScanner {
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #names: readonly Buffer[];
  /** The field that the nth key was last time (-1: none of ours): producers write their keys in one order. */
  readonly #predicted = new Int32Array(PREDICTED_KEYS).fill(-1);

  constructor(names: readonly Buffer[]) {
    this.#names = names;
    this.kinds = new Uint8Array(names.length);
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
  }

  scan(bytes: Uint8Array): boolean {
    const length = bytes.length;
    this.kinds.fill(FieldKind.ABSENT);
    let at = skipSpace(bytes, 0, length);
    if (at >= length || bytes[at] !== OPEN_BRACE) return false;
    at = skipSpace(bytes, at + 1, length);
    if (at < length && bytes[at] === CLOSE_BRACE) return skipSpace(bytes, at + 1, length) === length;

    for (let nth = 0; ; nth++) {
      if (at >= length || bytes[at] !== QUOTE) return false;
      const keyStart = at + 1;
      let keyEnd = keyStart;
      let field = nth < PREDICTED_KEYS ? (this.#predicted[nth] as number) : -1;
      if (field >= 0 && this.#isKey(bytes, keyStart, length, field)) {
        keyEnd += (this.#names[field] as Buffer).length;
      } else {
        keyEnd = skipPlain(bytes, keyStart, length);
        if (keyEnd >= length || bytes[keyEnd] !== QUOTE) return false;
        field = this.#find(bytes, keyStart, keyEnd);
        if (nth < PREDICTED_KEYS) this.#predicted[nth] = field;
      }

      at = skipSpace(bytes, keyEnd + 1, length);
      if (at >= length || bytes[at] !== COLON) return false;
      at = skipSpace(bytes, at + 1, length);
      if (at >= length) return false;

      const first = bytes[at] as number;
      let kind: FieldKind;
      let start = at;
      let end: number;
      if (first === QUOTE) {
        kind = FieldKind.STRING;
        start = at + 1;
        end = skipPlain(bytes, start, length);
        if (end >= length || bytes[end] !== QUOTE) return false;
        at = end + 1;
      } else if (first === MINUS || (first >= ZERO && first <= NINE)) {
        kind = FieldKind.NUMBER;
        end = skipNumber(bytes, at, length);
        if (end < 0) return false;
        at = end;
      } else {
        let word: Buffer;
        if (first === LOWER_N) {
          kind = FieldKind.NULL;
          word = NULL_BYTES;
        } else if (first === LOWER_T) {
          kind = FieldKind.TRUE;
          word = TRUE_BYTES;
        } else if (first === LOWER_F) {
          kind = FieldKind.FALSE;
          word = FALSE_BYTES;
        } else {
          return false;
        }
        if (!startsWith(bytes, at, length, word)) return false;
        end = at += word.length;
      }

      if (field >= 0) {
        if (this.kinds[field] !== FieldKind.ABSENT) return false;
        this.kinds[field] = kind;
        this.starts[field] = start;
        this.ends[field] = end;
      }

      at = skipSpace(bytes, at, length);
      if (at >= length) return false;
      if (bytes[at] === CLOSE_BRACE) return skipSpace(bytes, at + 1, length) === length;
      if (bytes[at] !== COMMA) return false;
      at = skipSpace(bytes, at + 1, length);
    }
  }

  #isKey(bytes: Uint8Array, start: number, length: number, field: number): boolean {
    const name = this.#names[field] as Buffer;
    const end = start + name.length;
    return end < length && bytes[end] === QUOTE && startsWith(bytes, start, length, name);
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    for (let field = 0; field < this.#names.length; field++) {
      const name = this.#names[field] as Buffer;
      if (name.length === end - start && startsWith(bytes, start, end, name)) return field;
    }
    return -1;
  }
}

function startsWith(bytes: Uint8Array, at: number, length: number, word: Uint8Array): boolean {
  if (at + word.length > length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** JSON's own white space, which is less than Unicode's. */
function skipSpace(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  while (at < length) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

function skipPlain(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  while (at < length && PLAIN[bytes[at] as number] === 1) at++;
  return at;
}

/** Past a JSON number without exponent; -1 if there is none. What follows it is the caller's to check. */
function skipNumber(bytes: Uint8Array, from: number, length: number): number {
  const whole = bytes[from] === MINUS ? from + 1 : from;
  let at = skipDigits(bytes, whole, length);
  if (at === whole || (at > whole + 1 && bytes[whole] === ZERO)) return -1;
  if (at < length && bytes[at] === DOT) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction, length);
    if (at === fraction) return -1;
  }
  return at;
}

function skipDigits(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  while (at < length) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) break;
    at++;
  }
  return at;
}
