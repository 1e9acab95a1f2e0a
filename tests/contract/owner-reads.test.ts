import { MemoryOwnerReads } from '../support/memory-owner-reads.ts';
import { ownerReadsContract } from '../support/owner-reads-contract.ts';

ownerReadsContract('in memory', async () => {
  const reads = new MemoryOwnerReads();
  return {
    reads,
    commit: async (partition, changes) =>
      reads.commit(
        'totals',
        partition,
        changes.map(([key, value]) => [Buffer.from(key), value === null ? null : Buffer.from(value)]),
      ),
    follow: async (partition) => reads.follow('totals', partition),
    hold: (partition, held) => reads.hold('totals', partition, held),
    close: async () => reads.close(),
  };
});
