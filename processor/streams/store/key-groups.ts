import { lowerBound, type OrderedTexts } from './key-index.ts';

/** So many texts of a group are copied when one more comes: an array that grows has room for sixteen more. */
const FEW = 8;

/**
 * Texts in order, in groups of those that begin alike: where only texts of one group are ever gone through, finding the
 * group costs less than finding a place among all texts. A text that is put
 * together of pieces becomes one piece when it is cut to find its group.
 */
export class KeyGroups implements OrderedTexts {
  /** By the text without its tail. None is empty. */
  readonly #groups = new Map<string, string[]>();
  readonly #tailLength: number;
  #size = 0;
  /** What was last looked for: who looks into a group writes to it next, mostly. */
  #lastStart: string | undefined;
  #lastGroup: string[] | undefined;
  /** The group that a text has left, whose array has its place still. */
  #left: string[] | undefined;

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
    const group = this.#find(start);
    if (group === undefined) {
      this.#set(flatText(start), [text]);
      this.#size += 1;
      return true;
    }
    const at = placeIn(group, text);
    if (group[at] === text) return false;
    if (group.length < FEW && group !== this.#left) this.#set(start, group.toSpliced(at, 0, text));
    else if (at === group.length) group.push(text);
    else group.splice(at, 0, text);
    this.#left = undefined;
    this.#size += 1;
    return true;
  }

  delete(text: string): boolean {
    const start = this.#startOf(text);
    const group = this.#find(start);
    if (group === undefined) return false;
    const at = placeIn(group, text);
    if (group[at] !== text) return false;
    if (group.length === 1) {
      this.#groups.delete(start);
      this.#lastGroup = undefined;
    } else if (at === group.length - 1) group.pop();
    else group.splice(at, 1);
    this.#left = group;
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
    const group = this.#find(start);
    return group === undefined ? [] : group.slice(placeIn(group, from));
  }

  #find(start: string): string[] | undefined {
    if (start === this.#lastStart) return this.#lastGroup;
    this.#lastStart = start;
    this.#lastGroup = this.#groups.get(start);
    return this.#lastGroup;
  }

  /** In place of the group that was last looked for. */
  #set(start: string, group: string[]): void {
    this.#groups.set(start, group);
    this.#lastGroup = group;
  }

  #startOf(text: string): string {
    return text.slice(0, -this.#tailLength);
  }
}

/** As `lowerBound`, from the end: most look for the newest, and each text is far from the next one in memory. */
function placeIn(group: readonly string[], text: string): number {
  const last = group.length - 1;
  if ((group[last] as string) < text) return last + 1;
  if (last === 0 || (group[last - 1] as string) < text) return last;
  return lowerBound(group, text);
}

/** One that is cut out of another text would keep that in memory. */
function flatText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
