import { decodeText } from '../../store/key-text.ts';
import type { RepartitionSourceNode } from '../graph.ts';
import type { ConsumerRecord } from '../record.ts';
import {
  decodeRepartitionRecord,
  unknownReport,
  unknownStore,
  unreadableKey,
  unreadablePartial,
} from '../repartition-record.ts';
import { UnreadableValueError } from '../stored-value.ts';
import type { TaskRuntime } from '../task-runtime.ts';
import type { MergePartial } from './aggregate.ts';
import type { CompiledSource } from './source.ts';

/**
 * `mergesByStore`: by the name of each store, what all aggregations do that share one combine node with it. A partial
 * names any one of these stores, so it arrives whichever of them was declared first when it was sent.
 */
export function compileRepartitionSource(
  { grouping }: RepartitionSourceNode,
  runtime: TaskRuntime,
  mergesByStore: ReadonlyMap<string, readonly MergePartial[]>,
): CompiledSource {
  const handle = (record: ConsumerRecord, decoded: ReturnType<typeof decodeRepartitionRecord>): void => {
    if ('report' in decoded) {
      if (!runtime.reportTime(grouping, decoded.report)) throw unknownReport(record, decoded.report.source);
      return;
    }
    const merges = mergesByStore.get(decoded.partial.store);
    // mutant: unknown-store
    if (merges === undefined) throw unknownStore(record, decoded.partial.store);
    const key = decodeText(decoded.key);
    if (key === undefined) throw unreadableKey(record);
    const { partial, records } = decoded;
    for (let index = 0; index < merges.length; index += 1) {
      // A serde may return the bytes themselves: each table has its own.
      const own = index === merges.length - 1 ? partial : { ...partial, aggregate: Buffer.from(partial.aggregate) };
      try {
        (merges[index] as MergePartial)(key, own, records);
      } catch (error) {
        throw error instanceof UnreadableValueError ? unreadablePartial(record, error.message) : error;
      }
    }
  };
  return {
    process: (record) => handle(record, decodeRepartitionRecord(record)),
    read: (record) => {
      const decoded = decodeRepartitionRecord(record);
      return {
        timestampMs: 'partial' in decoded ? decoded.partial.newestMs : undefined,
        handOn: () => handle(record, decoded),
      };
    },
  };
}
