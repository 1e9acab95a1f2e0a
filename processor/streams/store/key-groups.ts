import { lowerBound, type OrderedTexts } from './key-index.ts';

/** So many texts of a group are copied when one more comes: an array that grows has room for sixteen more. */
const FEW = 8;

/**
 * Texts in order, in groups of those that begin alike: where only texts of one group are ever gone through, finding the
 * group costs less than finding a place among all texts.
 */
export class KeyGroups implements OrderedTexts {
  /** By the text without its tail. None is empty. */
  readonly #groups = new Map<string, string[]>();
  readonly #tailLength: number;
  #size = 0;

  /** @param texts in any order, each once. */
  constructor(tailLength: number, texts: Iterable<string> = []) {
    this.#tailLength = tailLength;
    for (const text of texts) this.add(text);
  }

  get size(): number {
    return this.#size;
  }

  add(text: string): boolean {
    const start = this.#startOf(text);
    const group = this.#groups.get(start);
    if (group === undefined) {
      this.#groups.set(flatText(start), [flatText(text)]);
      this.#size += 1;
      return true;
    }
    const at = lowerBound(group, text);
    if (group[at] === text) return false;
    if (group.length < FEW) this.#groups.set(flatText(start), group.toSpliced(at, 0, flatText(text)));
    else group.splice(at, 0, flatText(text));
    this.#size += 1;
    return true;
  }

  delete(text: string): boolean {
    const start = this.#startOf(text);
    const group = this.#groups.get(start);
    if (group === undefined) return false;
    const at = lowerBound(group, text);
    if (group[at] !== text) return false;
    if (group.length === 1) this.#groups.delete(start);
    else group.splice(at, 1);
    this.#size -= 1;
    return true;
  }

  *range(from: string | undefined, to: string | undefined): Generator<string, void> {
    yield* this.list(from, to);
  }

  *reverseRange(from: string | undefined, to: string | undefined): Generator<string, void> {
    yield* this.list(from, to).reverse();
  }

  /** @throws TypeError for a range that does not lie in one group: `to` is its beginning and FF. */
  list(from: string | undefined, to: string | undefined): string[] {
    const start = to?.slice(0, -1);
    if (from === undefined || start === undefined || !from.startsWith(start) || !to?.endsWith('\u00ff'))
      throw new TypeError('a range of texts in groups lies in one of them');
    const group = this.#groups.get(start);
    return group === undefined ? [] : group.slice(lowerBound(group, from));
  }

  #startOf(text: string): string {
    return text.slice(0, -this.#tailLength);
  }
}

/** One that is put together of pieces, or cut out of another text, would keep those in memory. */
function flatText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
