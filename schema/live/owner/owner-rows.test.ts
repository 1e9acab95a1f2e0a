import { expect, test } from '@jest/globals';
import { type Logger, StreamsError, stringSerde } from '@tributary/streams';

import type { DeclaredTable } from '../tables/declared-table.ts';
import { OwnerRows } from './owner-rows.ts';

test('a row whose schema the registry does not give is no row that cannot be read: NOT_READY, logged once', () => {
  const lines: string[] = [];
  const log = (_fields: object, message: string): void => void lines.push(message);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  let isAway = true;
  const declared = {
    name: 'totals',
    key: { serde: stringSerde },
    readValue: () => {
      if (isAway) throw new StreamsError('SCHEMA_REGISTRY_AWAY', 'nobody answers');
      return { n: 1 };
    },
  } as unknown as DeclaredTable;
  let unreadable = 0;
  const rows = new OwnerRows({ declared, logger, onUnreadable: () => (unreadable += 1) });
  const read = (): unknown =>
    rows.ofAnswer(Buffer.from('a'), Buffer.from('x'), { position: 3, timed: false }, 0)?.value;
  for (let time = 0; time < 2; time += 1)
    expect(read).toThrow(expect.objectContaining({ extensions: expect.objectContaining({ code: 'NOT_READY' }) }));
  isAway = false;
  expect(read()).toEqual({ n: 1 });
  expect([unreadable, rows.unreadable, lines.length]).toEqual([0, 0, 1]);
});
