import { StreamsError } from '@tributary/streams';
import type {
  OrderAnswer,
  OrderRead,
  OrderValue,
  OwnerAnswer,
  OwnerQuestion,
  OwnerReads,
} from '@tributary/streams/operations';

/** The rows of one partition of one store as of one commit, by their keys as hexadecimal text. */
interface Committed {
  readonly position: number;
  readonly rows: ReadonlyMap<string, Buffer>;
}

/** Who answers for a partition. */
type Held = 'active' | 'standby' | 'nobody';

/** Of timed rows, before the value. */
const TIME_BYTES = 8;
const NOTHING: Committed = { position: 0, rows: new Map() };

/**
 * Owners in memory, for tests of who asks them: with the same answers as the instances of an application, as
 * owner-reads-contract.ts holds them to.
 */
export class MemoryOwnerReads implements OwnerReads {
  readonly #timed: boolean;
  readonly #active = new Map<string, Committed>();
  readonly #standby = new Map<string, Committed>();
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Set<() => void>();
  #closed = false;
  /** Every list of questions that was asked. */
  readonly asked: (readonly OwnerQuestion[])[] = [];

  /** `timed`: each value that is committed begins with the 8 bytes of its row's time. */
  constructor({ timed = false }: { readonly timed?: boolean } = {}) {
    this.#timed = timed;
  }

  /**
   * Commits rows, each a record of the changelog; null deletes. Its standby has them when `follow` is called. Returns
   * the position behind them.
   */
  commit(store: string, partition: number, changes: readonly (readonly [Uint8Array, Uint8Array | null])[]): number {
    const name = nameOf(store, partition);
    const { position, rows: before } = this.#active.get(name) ?? NOTHING;
    const rows = new Map(before);
    for (const [key, value] of changes) {
      const id = Buffer.from(key).toString('hex');
      if (value === null) rows.delete(id);
      else rows.set(id, Buffer.from(value));
    }
    this.#active.set(name, { position: position + changes.length, rows });
    this.#wake();
    return position + changes.length;
  }

  /** The standby of this partition reads its changelog to the end. */
  follow(store: string, partition: number): void {
    const name = nameOf(store, partition);
    this.#standby.set(name, this.#active.get(name) ?? NOTHING);
    this.#wake();
  }

  /** Who answers for this partition from now on; at first the active task. */
  hold(store: string, partition: number, held: Held): void {
    this.#held.set(nameOf(store, partition), held);
    this.#wake();
  }

  async ask(questions: readonly OwnerQuestion[], waitMs = 5_000): Promise<readonly (OwnerAnswer | StreamsError)[]> {
    this.asked.push(questions);
    return Promise.all(questions.map((question) => this.#answer(question, waitMs)));
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async #answer(question: OwnerQuestion, waitMs: number): Promise<OwnerAnswer | StreamsError> {
    const { store, partition, read, minPosition = 0 } = question;
    if (read.kind !== 'rows' && !(Number.isSafeInteger(read.limit) && read.limit >= 1))
      return new StreamsError('CONFIG_INVALID', `limit of a range takes a whole number from 1 on`);
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const found = this.#found(question);
      if (found !== undefined && found.committed.position >= minPosition && !this.#closed)
        return answerOf(question, found.committed, found.stale, this.#timed);
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0 || this.#closed)
        return new StreamsError(
          'STORE_NOT_HERE',
          `nobody answered for partition ${String(partition)} of the store "${store}"`,
          { partition },
        );
      await this.#change(leftMs);
    }
  }

  #found({ store, partition, allowStale }: OwnerQuestion): { committed: Committed; stale: boolean } | undefined {
    const name = nameOf(store, partition);
    const held = this.#held.get(name) ?? 'active';
    if (held === 'active') return { committed: this.#active.get(name) ?? NOTHING, stale: false };
    if (held === 'standby' && allowStale) return { committed: this.#standby.get(name) ?? NOTHING, stale: true };
    return undefined;
  }

  #change(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const done = (): void => {
      signal.removeEventListener('abort', done);
      this.#waiting.delete(done);
      resolve();
    };
    signal.addEventListener('abort', done);
    this.#waiting.add(done);
    return promise;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

function nameOf(store: string, partition: number): string {
  return `${store}-${String(partition)}`;
}

function answerOf({ read }: OwnerQuestion, { position, rows }: Committed, stale: boolean, timed: boolean): OwnerAnswer {
  if (read.kind === 'rows') {
    const valueOf = (key: Uint8Array): Uint8Array | null => rows.get(Buffer.from(key).toString('hex')) ?? null;
    return { kind: 'rows', position, stale, timed, rows: read.keys.map(valueOf) };
  }
  if (read.kind === 'order') return inOrder(read, { position, rows }, stale, timed);
  const { from, to, rest, reverse = false, limit } = read;
  const isWanted = (key: Buffer): boolean =>
    (from === undefined || key.compare(from) >= 0) &&
    (to === undefined || key.compare(to) < 0) &&
    (rest === undefined || key.subarray(rest.at, key.length - (rest.tail ?? 0)).equals(rest.bytes));
  const found = [...rows]
    .map(([key, value]): [Buffer, Buffer] => [Buffer.from(key, 'hex'), value])
    .filter(([key]) => isWanted(key))
    .sort(([a], [b]) => (reverse ? b.compare(a) : a.compare(b)));
  const [left, nextKey] = [found.slice(0, limit), found[limit]?.[0]];
  // `to` is exclusive: the first key behind it.
  const next = nextKey === undefined || !reverse ? nextKey : Buffer.concat([nextKey, Buffer.from([0])]);
  return { kind: 'range', position, stale, timed, rows: left, ...(next === undefined ? {} : { next }) };
}

/** By comparing values, where owners keep texts in order. `next` is the place of the last row, as JSON. */
function inOrder(read: OrderRead, { position, rows }: Committed, stale: boolean, timed: boolean): OrderAnswer {
  const { field, type, descending, after, at, from, to, limit } = read;
  interface Place {
    readonly value: OrderValue;
    readonly key: string;
  }
  const compare = (a: Place, b: Place): number => {
    const byKey = a.key < b.key ? -1 : Number(a.key > b.key);
    if (a.value === b.value) return byKey;
    if (a.value === null || b.value === null) return a.value === null ? 1 : -1;
    return a.value < b.value === descending ? 1 : -1;
  };
  const valueOf = (value: Buffer): OrderValue => {
    try {
      const fields = JSON.parse(value.subarray(timed ? TIME_BYTES : 0).toString()) as Record<string, unknown> | null;
      const found = fields?.[field] ?? null;
      if (type === 'bigint' && found !== null) return BigInt(found as string);
      if (type === 'instant') return typeof found === 'string' ? Date.parse(found) : null;
      return typeof found === (type === 'text' ? 'string' : type) ? (found as OrderValue) : null;
    } catch {
      return null;
    }
  };
  const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const [first, end] = [from, to].map((bound) => (bound === undefined ? undefined : latin1(bound)));
  const last: Place | undefined =
    at === undefined
      ? after && { value: after.value, key: latin1(after.key) }
      : (JSON.parse(at, (_, part: unknown) => (isBig(part) ? BigInt(part.n) : part)) as Place);
  const found = [...rows]
    .map(([hex, row]) => ({ value: valueOf(row), key: Buffer.from(hex, 'hex').toString('latin1'), row }))
    .filter((place) => last === undefined || compare(place, last) > 0)
    .filter(({ key }) => (first === undefined || key >= first) && (end === undefined || key < end))
    .sort(compare);
  const left = found.slice(0, limit);
  const { row: _, ...place } = left.at(-1) ?? { row: null };
  const next = JSON.stringify(place, (_name, part: unknown) => (typeof part === 'bigint' ? { n: String(part) } : part));
  const answered = left.map(({ key, row }) => [new Uint8Array(Buffer.from(key, 'latin1')), row] as const);
  const isMore = found.length > left.length;
  return { kind: 'order', position, stale, timed, rows: answered, ...(isMore ? { next } : {}) };
}

function isBig(part: unknown): part is { readonly n: string } {
  return typeof part === 'object' && part !== null && 'n' in part && typeof part.n === 'string';
}
