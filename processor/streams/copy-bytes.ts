const MOST_ONE_BY_ONE = 96;

/** Few bytes are copied one by one: a view of them would cost more. */
export function copyBytes(from: Uint8Array, at: number, bytes: number, to: Uint8Array, toAt: number): void {
  if (bytes > MOST_ONE_BY_ONE) to.set(from.subarray(at, at + bytes), toAt);
  else for (let byte = 0; byte < bytes; byte += 1) to[toAt + byte] = from[at + byte] as number;
}
