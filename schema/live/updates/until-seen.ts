import { badUserInput, notSeen } from '../graphql/api-error.ts';
import type { RowTable } from '../tables/row-table.ts';
import type { ChangeHub, ChangeTopic } from './change-hub.ts';
import { aheadOf } from './cursor.ts';
import type { ReadPositions } from './cursor-resume.ts';
import type { RowModel } from './row-model.ts';
import { decodeTableCursor } from './table-cursor.ts';

/** How long a query waits until this instance has read what its cursor has seen. */
const WAIT_MS = 2_000;

interface Waited {
  readonly model: RowModel & { readonly hub: ChangeHub };
  readonly table: RowTable;
  readonly readPositions: () => ReadPositions;
}

/**
 * Resolves once this instance has read all that the update or the answer with this cursor was made of.
 * @throws GraphQLError BAD_USER_INPUT for what is no cursor of the table; NOT_READY after two seconds.
 */
export async function untilSeen(atLeast: string | null | undefined, waited: Waited): Promise<void> {
  if (atLeast == null) return;
  const { model, table, readPositions } = waited;
  const cursor = decodeTableCursor(atLeast, model.applicationId, table.declared);
  const partitions = Object.keys(cursor?.positions ?? {}).map(Number);
  const read = readPositions();
  if (cursor === null || !partitions.every((one) => table.positions.has(one) || read(one) !== null))
    throw badUserInput('atLeast', `is no cursor of ${table.declared.name}. Give one that this table's answers have.`);
  const isSeen = (): boolean => aheadOf(cursor, partitions, table.positions, readPositions()).length === 0;
  if (isSeen()) return;
  await new Promise<void>((resolve, reject) => {
    const topics: ChangeTopic[] = [table.declared.name, 'progress'];
    const end = (settle: () => void): void => {
      stopListening();
      cancelTimer();
      settle();
    };
    const stopListening = model.hub.listen(topics, () => {
      if (isSeen()) end(resolve);
    });
    const cancelTimer = model.hub.timers.at(performance.now() + WAIT_MS, () => {
      end(isSeen() ? resolve : () => reject(notSeen()));
    });
  });
}
