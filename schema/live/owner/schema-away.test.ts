import { expect, test } from '@jest/globals';
import { jsonSerde, type Logger, StreamsError } from '@tributary/streams';
import type { ExecutionResult } from 'graphql';
import { z } from 'zod';

import { ownedShop, STORE } from '../tests/owned-tables/owned-shop.ts';
import { table } from '../tables/table.ts';
import { closeBehindEachTest } from '../tests/support/asked-api.ts';

closeBehindEachTest();

const NEW_SCHEMA = 7;

/** Values of this schema cannot be read while the registry is away. */
const registry = { isAway: false };
const serde = {
  ...jsonSerde<unknown>(),
  deserialize: (bytes: Buffer): unknown => {
    const value = jsonSerde<{ readonly n: number }>().deserialize(bytes);
    if (registry.isAway && value.n === NEW_SCHEMA) throw new StreamsError('SCHEMA_REGISTRY_AWAY', 'nobody answers');
    return value;
  },
};
const declared = { store: STORE, key: { sku: z.string() }, value: z.object({ n: z.int() }), held: 'owner' } as const;

test('a row whose schema is away: its partition of its table is followed anew, and nothing else', async () => {
  const lines: string[] = [];
  const log = (_fields: object, message: string): void => void lines.push(message);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const api = ownedShop({ logger, tables: { plain: table(declared), avro: table({ ...declared, serde }) } });
  const [a, b] = [0, 0].map((partition, at) => {
    const key = Array.from({ length: 100 }, (_, n) => `k${n}`).filter((text) => api.partitionOf(text) === partition)[
      at
    ];
    return key ?? '';
  }) as [string, string];
  const far = ['x', 'y', 'z', 'v', 'w'].find((key) => api.partitionOf(key) === 1) ?? '';
  api.commit({ [a]: { n: 1 }, [b]: { n: 1 }, [far]: { n: 1 } });
  const watch = (name: string, keys: readonly string[]): ReturnType<typeof api.watch> =>
    api.watch(`subscription ($keys: [String!]!) { ${name}(keys: $keys, intervalMs: 50) { kind rows { sku n } } }`, {
      keys,
    });
  const kindAndNumbers = ({ data }: ExecutionResult): unknown => {
    const [update] = Object.values(data as Record<string, { kind: string; rows: { n: number }[] }>);
    return [update?.kind, update?.rows.map(({ n }) => n)];
  };
  const plain = await watch('plain', [a]);
  const [ofRow, besideIt, elsewhere] = [await watch('avro', [a]), await watch('avro', [b]), await watch('avro', [far])];
  for (const next of [plain, ofRow, besideIt, elsewhere])
    expect(kindAndNumbers(await next())).toEqual(['SNAPSHOT', [1]]);

  registry.isAway = true;
  api.commit({ [a]: { n: NEW_SCHEMA } });
  await expect(ofRow()).rejects.toMatchObject({ extensions: { code: 'NOT_READY' } });
  expect(kindAndNumbers(await plain())).toEqual(['DELTA', [NEW_SCHEMA]]);
  expect(kindAndNumbers(await besideIt())).toEqual(['SNAPSHOT', [1]]);
  api.commit({ [b]: { n: 2 }, [far]: { n: 2 } });
  expect(kindAndNumbers(await besideIt())).toEqual(['DELTA', [2]]);
  expect(kindAndNumbers(await elsewhere())).toEqual(['DELTA', [2]]);
  // One reader of changelogs for all of it.
  expect(api.tails).toHaveLength(1);
  expect(lines.filter((line) => line.includes('schema registry'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('cannot be read'))).toEqual([]);

  registry.isAway = false;
  const again = await watch('avro', [a]);
  expect(kindAndNumbers(await again())).toEqual(['SNAPSHOT', [NEW_SCHEMA]]);
});
