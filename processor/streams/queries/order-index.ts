import { KeyIndex } from '../store/key-index.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import type { CommitObserver, StateStore, StoreChange } from '../store/state-store.ts';
import { keyOfOrderText, orderText, orderValueOf, type Ordering, type OrderValue } from './order-text.ts';

export interface OrderIndexOptions extends Ordering {
  readonly store: string;
  /** By which the rows are ordered. */
  readonly field: string;
  /** What the bytes of a row are; for what cannot be read it throws. */
  readonly read: (row: Buffer) => unknown;
}

/** A row that comes or goes: its text in the order before and after, null where there is none. */
interface Move {
  readonly before: string | null;
  readonly after: string | null;
}

const LOOK_AGAIN_MS = 2;

/**
 * The rows of one store of a task in the order of a field, in memory: read once, then kept by the store's commits. It
 * is of one commit, as the store is; while one is under way nobody reads it.
 */
export class OrderIndex implements CommitObserver {
  readonly #state: StateStore;
  readonly #options: OrderIndexOptions;
  readonly #stop: () => void;
  /** Null until all rows have been read. */
  #rows: KeyIndex | null = null;
  /** Of commits that came while rows were read. */
  #early: Move[] = [];
  #moves: Move[] = [];
  #waiting: (() => void)[] = [];
  #isLost = false;
  readonly ready: Promise<void>;

  private constructor(state: StateStore, options: OrderIndexOptions) {
    this.#state = state;
    this.#options = options;
    // Both in one turn: no commit is in neither.
    const snapshot = state.snapshot();
    this.#stop = state.observe(this);
    this.ready = this.#readAll(snapshot).catch((error: unknown) => {
      this.close();
      throw error;
    });
  }

  /** Begins to read. @throws what the store throws. */
  static async open(state: StateStore, options: OrderIndexOptions): Promise<OrderIndex> {
    while (state.isCommitting) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    return new OrderIndex(state, options);
  }

  /** It can be read no more: another one must be made. */
  get isLost(): boolean {
    return this.#isLost;
  }

  close(): void {
    this.#isLost = true;
    this.#stop();
    this.after();
  }

  /** Resolves when no commit is under way: what is read in the same turn is of one commit. */
  async settled(): Promise<void> {
    await this.ready;
    while (this.#state.isCommitting && !this.#isLost)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
  }

  /** Texts of rows in order, from one on (inclusive); nothing may be committed meanwhile. */
  from(first: string | undefined): Iterable<string> {
    return this.#rows?.range(first, undefined) ?? [];
  }

  /** Of a row with this value. */
  textOf(value: OrderValue, key: string): string {
    return orderText(this.#options, value, key);
  }

  keyOf(text: string): string {
    return keyOfOrderText(this.#options, text);
  }

  before(changes: readonly StoreChange[]): void {
    const { store } = this.#options;
    const last = new Map<string, StoreChange>();
    for (const change of changes) if (change.store === store) last.set(change.key.toString('latin1'), change);
    this.#moves = [];
    for (const [keyText, { key, value }] of last) {
      if (isRuntimeRow(key)) continue;
      const [before, after] = [this.#textOfRow(keyText, this.#state.get(store, key)), this.#textOfRow(keyText, value)];
      if (before !== after) this.#moves.push({ before, after });
    }
  }

  after(): void {
    if (this.#rows === null) this.#early.push(...this.#moves);
    else move(this.#rows, this.#moves);
    this.#moves = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  failed(): void {
    this.close();
  }

  async #readAll(snapshot: ReturnType<StateStore['snapshot']>): Promise<void> {
    const texts: string[] = [];
    try {
      for await (const [key, row] of snapshot.entries(this.#options.store)) {
        if (this.#isLost) return;
        const text = isRuntimeRow(key) ? null : this.#textOfRow(key.toString('latin1'), row);
        if (text !== null) texts.push(text);
      }
    } finally {
      await snapshot.close();
    }
    const rows = new KeyIndex(texts);
    move(rows, this.#early);
    this.#early = [];
    this.#rows = rows;
  }

  #textOfRow(keyText: string, row: Buffer | null | undefined): string | null {
    if (row === null || row === undefined) return null;
    const { type, field, read } = this.#options;
    let value: OrderValue = null;
    try {
      const fields = read(row);
      if (typeof fields === 'object' && fields !== null)
        value = orderValueOf(type, (fields as Readonly<Record<string, unknown>>)[field]);
    } catch {
      // A row that cannot be read is behind all others: who asks reads it again, and counts it.
    }
    return this.textOf(value, keyText);
  }
}

function move(rows: KeyIndex, moves: readonly Move[]): void {
  for (const { before, after } of moves) {
    if (before !== null) rows.delete(before);
    if (after !== null) rows.add(after);
  }
}
