import fc from 'fast-check';
import { batchBytes, markerBytes } from './record-batch-bytes.ts';

/*
 * A model of read_committed that knows nothing of the decoders under test: it keeps what each producer wrote and how
 * each of its transactions ended, and from that which records a reader must see.
 */

export interface AbortedRange {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** A partition's log, written as a broker writes it: several producers, their batches and markers interleaved. */
export interface TransactionalLog {
  readonly batches: readonly { readonly bytes: Buffer; readonly lastOffset: number }[];
  /** In the order the broker lists them: as they were aborted. */
  readonly aborted: readonly (AbortedRange & { readonly markerOffset: number })[];
  /** Offset and value of every record that a read_committed reader must see, from what the producers did. */
  readonly committed: readonly (readonly [number, string])[];
}

export type LogStep =
  | {
      readonly producer: number;
      readonly action: 'write';
      readonly count: number;
      readonly zeroKey: boolean;
      readonly isTransactional: boolean;
    }
  | { readonly producer: number; readonly action: 'commit' | 'abort' };

const ZERO_KEY = Buffer.alloc(4);

export const writeLog = (steps: readonly LogStep[]): TransactionalLog => {
  const batches: { bytes: Buffer; lastOffset: number }[] = [];
  const aborted: (AbortedRange & { markerOffset: number })[] = [];
  const committed: [number, string][] = [];
  const open = new Map<number, { firstOffset: number; records: [number, string][] }>();
  let end = 0;

  const endTransaction = (producer: number, outcome: 'commit' | 'abort'): void => {
    const transaction = open.get(producer);
    if (transaction === undefined) return;
    batches.push({ bytes: markerBytes(BigInt(end), BigInt(producer), outcome), lastOffset: end });
    if (outcome === 'abort') {
      aborted.push({ producerId: BigInt(producer), firstOffset: transaction.firstOffset, markerOffset: end });
    } else {
      committed.push(...transaction.records);
    }
    open.delete(producer);
    end++;
  };

  for (const step of steps) {
    if (step.action !== 'write') {
      endTransaction(step.producer, step.action);
      continue;
    }
    const records = Array.from({ length: step.count }, (_, i): [number, string] => [
      end + i,
      `p${step.producer}@${end + i}`,
    ]);
    batches.push({
      bytes: batchBytes({
        baseOffset: BigInt(end),
        producerId: BigInt(step.producer),
        isTransactional: step.isTransactional,
        records: records.map(([, value], i) => ({
          offsetDelta: i,
          timestampDelta: 0n,
          key: step.zeroKey ? ZERO_KEY : Buffer.from('k'),
          value: Buffer.from(value),
        })),
      }),
      lastOffset: end + step.count - 1,
    });
    if (step.isTransactional) {
      const transaction = open.get(step.producer) ?? { firstOffset: end, records: [] };
      transaction.records.push(...records);
      open.set(step.producer, transaction);
    } else {
      committed.push(...records);
    }
    end += step.count;
  }
  // The broker answers up to the last stable offset only: what is still open is ended here.
  for (const producer of [...open.keys()]) endTransaction(producer, producer % 2 === 0 ? 'abort' : 'commit');
  return { batches, aborted, committed: committed.toSorted((a, b) => a[0] - b[0]) };
};

/**
 * What one fetch answers: whole batches from the one that holds the offset, and the aborted transactions they touch.
 */
export const fetchFrom = (
  log: TransactionalLog,
  fromOffset: number,
  batchCount: number,
): { bytes: Buffer; aborted: AbortedRange[] } => {
  const start = log.batches.findIndex((batch) => batch.lastOffset >= fromOffset);
  const batches = start < 0 ? [] : log.batches.slice(start, start + batchCount);
  const last = batches.at(-1)?.lastOffset ?? -1;
  return {
    bytes: Buffer.concat(batches.map((batch) => batch.bytes)),
    aborted: log.aborted.filter((it) => it.markerOffset >= fromOffset && it.firstOffset <= last),
  };
};

const producers = fc.integer({ min: 0, max: 3 });
export const logStep: fc.Arbitrary<LogStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      producer: producers,
      action: fc.constant('write' as const),
      count: fc.integer({ min: 1, max: 4 }),
      zeroKey: fc.boolean(),
      isTransactional: fc.constant(true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ producer: producers, action: fc.constantFrom('commit' as const, 'abort' as const) }),
  },
  {
    weight: 1,
    // A fifth producer without transactions, and one that is also known as an aborted producer (a reused id).
    arbitrary: fc.record({
      producer: fc.integer({ min: 3, max: 4 }),
      action: fc.constant('write' as const),
      count: fc.integer({ min: 1, max: 2 }),
      zeroKey: fc.boolean(),
      isTransactional: fc.constant(false),
    }),
  },
);
