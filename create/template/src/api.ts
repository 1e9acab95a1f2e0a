import { writeFile } from 'node:fs/promises';
import { createLiveApi } from '@tributary/graphql';
import { APPLICATION_ID } from './names.ts';
import { connection, logger, onStop, port } from './settings.ts';
import { tables } from './tables.ts';

/** The API, with a page at its address. Start several: each has a copy of the tables. */
const api = createLiveApi({ applicationId: APPLICATION_ID, connection, logger, tables });
const [flag, file] = process.argv.slice(2);
if (flag === '--sdl' && file !== undefined) {
  await writeFile(file, api.sdl);
} else {
  const { url, close } = await api.listen({ host: process.env['HOST'] ?? '127.0.0.1', port });
  onStop(close);
  console.log(`live: ${url}`);
}
