const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * MurmurHash2, 32 bit, with the seed of Kafka's Java client: records keyed alike land where a Java producer puts them.
 */
function murmur2(data: Uint8Array, from: number, end: number): number {
  let hash = SEED ^ (end - from);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    let k =
      ((data[at] as number) |
        ((data[at + 1] as number) << 8) |
        ((data[at + 2] as number) << 16) |
        ((data[at + 3] as number) << 24)) >>>
      0;
    k = Math.imul(k, M);
    k ^= k >>> 24;
    k = Math.imul(k, M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = end - at;
  if (rest >= 3) hash ^= (data[at + 2] as number) << 16;
  if (rest >= 2) hash ^= (data[at + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (data[at] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key, as Kafka's default partitioner computes it. `from`, `end`: of a key among other bytes. */
export function partitionOf(key: Uint8Array, partitions: number, from = 0, end = key.length): number {
  return (murmur2(key, from, end) & 0x7fffffff) % partitions;
}
