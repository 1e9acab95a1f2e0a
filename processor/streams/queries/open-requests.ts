interface OpenRequest<T> {
  readonly id: number;
  readonly request: T;
}

const FIRST_PLACES = 64;
const LARGEST_ID = 0xffff_ffff;

/**
 * What was asked and is not answered yet, by ids that are not given twice before all others were. Each lies in a place
 * that is emptied when it is answered. A Map makes itself anew as its entries come and go; what the tables that it has
 * left held is kept by V8's collections of young objects, and so all requests of a process would grow old.
 */
export class OpenRequests<T> {
  #places: (OpenRequest<T> | undefined)[] = emptyPlaces(FIRST_PLACES);
  #lastId = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns its id, from 1 on. */
  add(request: T): number {
    do {
      this.#lastId = (this.#lastId % LARGEST_ID) + 1;
    } while (this.#size < this.#places.length / 2 && this.#at(this.#lastId) !== undefined);
    while (this.#at(this.#lastId) !== undefined) this.#grow();
    this.#places[this.#placeOf(this.#lastId)] = { id: this.#lastId, request };
    this.#size += 1;
    return this.#lastId;
  }

  get(id: number): T | undefined {
    const open = this.#at(id);
    return open?.id === id ? open.request : undefined;
  }

  delete(id: number): void {
    if (this.#at(id)?.id !== id) return;
    this.#places[this.#placeOf(id)] = undefined;
    this.#size -= 1;
  }

  /** Those that are open now, whatever becomes of them meanwhile. */
  entries(): readonly (readonly [id: number, request: T])[] {
    return this.#places.flatMap((open) => (open === undefined ? [] : [[open.id, open.request] as const]));
  }

  #at(id: number): OpenRequest<T> | undefined {
    return this.#places[this.#placeOf(id)];
  }

  #placeOf(id: number): number {
    return id % this.#places.length;
  }

  #grow(): void {
    const open = this.#places;
    this.#places = emptyPlaces(open.length * 2);
    for (const one of open) if (one !== undefined) this.#places[this.#placeOf(one.id)] = one;
  }
}

function emptyPlaces(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}
