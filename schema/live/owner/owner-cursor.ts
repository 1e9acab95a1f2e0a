import { badUserInput } from '../graphql/api-error.ts';
import type { PositionVector } from '../tables/applied-positions.ts';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { encodeCursor } from '../updates/cursor.ts';
import { cursorSubject, decodeTableCursor } from '../updates/table-cursor.ts';

/** Positions of the partitions that an answer is of; `isPart`: of a part of a snapshot, which is no state. */
export function ownerCursor(
  applicationId: string,
  declared: DeclaredTable,
  positions: PositionVector,
  isPart = false,
): string {
  return encodeCursor({
    applicationId,
    subject: cursorSubject(declared, isPart),
    positions,
    newestWrittenAtMs: 0,
    newestStartMs: null,
  });
}

/**
 * Of each partition what an answer must have seen; none where `atLeast` is not given.
 * @throws GraphQLError BAD_USER_INPUT for what is no cursor of the table.
 */
export function positionsOfAtLeast(
  atLeast: string | null | undefined,
  applicationId: string,
  declared: DeclaredTable,
  partitions: number,
): PositionVector {
  if (atLeast == null) return {};
  const cursor = decodeTableCursor(atLeast, applicationId, declared);
  if (cursor === null || !Object.keys(cursor.positions).every((partition) => Number(partition) < partitions))
    throw badUserInput('atLeast', `is no cursor of ${declared.name}. Give one that this table's answers have.`);
  return cursor.positions;
}
