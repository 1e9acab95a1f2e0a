import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLevelDbStore } from '../../store/leveldb-store.ts';
import { MemoryStoreImage, openMemoryStore } from '../../store/memory-store.ts';
import { stateStoreContract } from './state-store.contract.ts';

stateStoreContract('memory', async () => {
  const image = new MemoryStoreImage();
  return { open: async () => openMemoryStore(image), destroy: async () => undefined };
});

stateStoreContract('LevelDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-store-'));
  return {
    open: () => openLevelDbStore(directory, { identity: { applicationId: 'contract', taskId: '0_0' } }),
    destroy: () => rm(directory, { recursive: true }),
  };
});
