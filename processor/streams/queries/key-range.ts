/** Rows of keys from `from` (inclusive) to `to` (exclusive); without one from the first, to the last. */
export interface KeyRange {
  readonly from?: Uint8Array | undefined;
  readonly to?: Uint8Array | undefined;
  /** Only keys that have exactly these bytes between so many others in front and behind. */
  readonly rest?: { readonly at: number; readonly tail?: number; readonly bytes: Uint8Array } | undefined;
}
