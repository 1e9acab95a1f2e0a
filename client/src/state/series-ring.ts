/** The device types of a series, in the order of its columns. */
export const DEVICES = ['ios', 'android', 'other'] as const;
export type Device = (typeof DEVICES)[number];

/** One window as the API gives it. */
export interface WindowPoint {
  /** Start of the window, epoch milliseconds. */
  readonly start: number;
  readonly ios: number;
  readonly android: number;
  readonly other: number;
}

/**
 * The newest windows of one series in typed arrays of fixed size, by window number modulo the capacity. Windows may
 * come in any order and again; one too old for the ring is dropped. A window never heard of is unknown, not zero.
 */
export class SeriesRing {
  readonly windowMs: number;
  readonly capacity: number;
  readonly #starts: Float64Array;
  readonly #counts: Readonly<Record<Device, Float64Array>>;
  readonly #revised: Uint8Array;
  #newest = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number, capacity: number) {
    this.windowMs = windowMs;
    this.capacity = capacity;
    this.#starts = new Float64Array(capacity).fill(Number.NaN);
    this.#counts = {
      ios: new Float64Array(capacity),
      android: new Float64Array(capacity),
      other: new Float64Array(capacity),
    };
    this.#revised = new Uint8Array(capacity);
  }

  /** Start of the newest window heard of; -Infinity for an empty ring. */
  get newest(): number {
    return this.#newest;
  }

  #slot(start: number): number {
    const index = Math.floor(start / this.windowMs) % this.capacity;
    return index < 0 ? index + this.capacity : index;
  }

  clear(): void {
    this.#starts.fill(Number.NaN);
    this.#revised.fill(0);
    this.#newest = Number.NEGATIVE_INFINITY;
  }

  /** Sets a window to absolute values; `revised` marks one that changed after its time. */
  set(point: WindowPoint, revised: boolean): void {
    if (point.start <= this.#newest - this.capacity * this.windowMs) return;
    const slot = this.#slot(point.start);
    const same = this.#starts[slot] === point.start;
    this.#starts[slot] = point.start;
    this.#revised[slot] = revised || (same && this.#revised[slot] === 1) ? 1 : 0;
    for (const device of DEVICES) this.#counts[device][slot] = point[device];
    this.#newest = Math.max(this.#newest, point.start);
  }

  /** A window's counts; null for one never heard of. */
  get(start: number): (WindowPoint & { readonly revised: boolean }) | null {
    const slot = this.#slot(start);
    if (this.#starts[slot] !== start) return null;
    return {
      start,
      ios: this.#counts.ios[slot] ?? 0,
      android: this.#counts.android[slot] ?? 0,
      other: this.#counts.other[slot] ?? 0,
      revised: this.#revised[slot] === 1,
    };
  }

  /** A copy that later updates do not reach: what a paused page shows. */
  clone(): SeriesRing {
    const copy = new SeriesRing(this.windowMs, this.capacity);
    copy.#starts.set(this.#starts);
    copy.#revised.set(this.#revised);
    for (const device of DEVICES) copy.#counts[device].set(this.#counts[device]);
    copy.#newest = this.#newest;
    return copy;
  }
}
