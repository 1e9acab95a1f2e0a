import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The whole shop on one machine. Each part is a process of its own, as on several; the flags are the generator's. */
const parts = ['processor.ts', 'generator.ts', 'server.ts'].map((file) =>
  fork(join(import.meta.dirname, file), file === 'generator.ts' ? process.argv.slice(2) : []),
);

const stopAll = (): void => {
  for (const part of parts) part.kill('SIGTERM');
};
process.on('SIGINT', stopAll).on('SIGTERM', stopAll).on('disconnect', stopAll);

// Whichever ends, the others end too.
const ends = parts.map(async (part) => {
  const [code] = (await once(part, 'exit')) as [number | null];
  stopAll();
  return code ?? 1;
});
process.exit(Math.max(...(await Promise.all(ends))));
