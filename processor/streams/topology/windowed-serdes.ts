/** The key of a row of a windowed table: a key and its window. The end of a session is inclusive, others are not. */
export interface Windowed<K> {
  readonly key: K;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}
