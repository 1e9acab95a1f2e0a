import { z } from 'zod';

import { QUALITY_KEY } from '../../../processor/logins/names.ts';
import type { TableChange } from '@tributary/streams';
import type { DeclaredTable, LiveTable } from '@tributary/graphql';

/** Of one row, all reasons together: sums of more could be no number that GraphQL can carry. */
const MAX_COUNT = 1_000_000_000_000;
/** Reasons are codes, and there are few. */
const MAX_NAMES = 1_000;
const count = z.number().int().nonnegative().max(MAX_COUNT);
const tally = z
  .record(z.string().max(100), count)
  .refine(
    (counts) =>
      Object.keys(counts).length <= MAX_NAMES && Object.values(counts).reduce((sum, one) => sum + one, 0) <= MAX_COUNT,
  );
/** What the processor writes. */
export const qualityValue = z.object({ missing: tally, invalid: tally, deadLettered: tally, late: count });

/** What the topology found in the records that it read: counts by field or by reason. */
interface QualityCounts {
  readonly missing: ReadonlyMap<string, number>;
  readonly invalid: ReadonlyMap<string, number>;
  readonly deadLettered: ReadonlyMap<string, number>;
  readonly late: number;
}

/**
 * This instance's copy of the store data-quality, whose one key has a part in each partition, to be summed: as rows
 * they would be one.
 */
export class QualityRows implements LiveTable {
  readonly #readValue: DeclaredTable['readValue'];
  readonly #rows = new Map<number, z.infer<typeof qualityValue>>();

  constructor({ readValue }: Pick<DeclaredTable, 'readValue'>) {
    this.#readValue = readValue;
  }

  /** Throws on a value that cannot be read, and then keeps the row as it was. */
  apply(change: TableChange): void {
    if (change.key.toString('utf8') !== QUALITY_KEY) return;
    if (change.value === null) this.#rows.delete(change.partition);
    else this.#rows.set(change.partition, this.#readValue(change.value) as z.infer<typeof qualityValue>);
  }

  reset(partition: number): void {
    this.#rows.delete(partition);
  }

  /** About how many reasons of dead letters there are. */
  get reasons(): number {
    let most = 0;
    for (const { deadLettered } of this.#rows.values()) most = Math.max(most, Object.keys(deadLettered).length);
    return most;
  }

  sum(): QualityCounts {
    const sum = {
      missing: new Map<string, number>(),
      invalid: new Map<string, number>(),
      deadLettered: new Map<string, number>(),
      late: 0,
    };
    for (const row of this.#rows.values()) {
      addTo(sum.missing, row.missing);
      addTo(sum.invalid, row.invalid);
      addTo(sum.deadLettered, row.deadLettered);
      sum.late += row.late;
    }
    return sum;
  }
}

function addTo(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + value);
}
