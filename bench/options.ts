import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  /** Of the input topic. */
  readonly records: number;
  readonly threads: number;
  /** Distinct keys of the benches with many keys. */
  readonly keys: number;
  /** Seconds that a load of a fixed rate lasts. */
  readonly seconds: number;
  /** Only contenders whose name holds one of these; empty: all. */
  readonly only: readonly string[];
  /** Compare with what is stored, and fail when it is worse. */
  readonly check: boolean;
  /** Keep this run's medians as what later runs are compared with. */
  readonly store: boolean;
}

export const FLAGS = `  --rounds N     rounds of each contender, in turns (5)
  --records N    records in the input topic (5000000)
  --threads N    stream threads (2)
  --keys N       distinct keys where there are many (1000000)
  --seconds N    length of a load of fixed rate (30)
  --only A,B     only contenders whose name holds A or B
  --check        fail when a ratio to raw kafkajs is 15 % worse than the stored one
  --store        keep this run's ratios as the stored ones
`;

/** @throws TypeError on a flag that is not known or not a whole number above 0. */
export function parseBenchArguments(args: readonly string[]): { names: readonly string[]; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      records: { type: 'string', default: '5000000' },
      threads: { type: 'string', default: '2' },
      keys: { type: 'string', default: '1000000' },
      seconds: { type: 'string', default: '30' },
      only: { type: 'string', default: '' },
      check: { type: 'boolean', default: false },
      store: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'rounds' | 'records' | 'threads' | 'keys' | 'seconds'): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`--${name} takes a whole number above 0, not "${values[name]}"`);
    return value;
  };
  return {
    names: positionals,
    options: {
      rounds: whole('rounds'),
      records: whole('records'),
      threads: whole('threads'),
      keys: whole('keys'),
      seconds: whole('seconds'),
      only: values.only.split(',').filter((name) => name !== ''),
      check: values.check,
      store: values.store,
    },
  };
}
