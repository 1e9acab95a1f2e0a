import { writeFile } from 'node:fs/promises';
import { createLiveApi } from '@tributary/graphql';
import { connectionFor, flags, quietLogger } from '../support/example.ts';
import { tables } from './tables.ts';

/** `--sdl FILE`: writes the schema for the generator of types, and ends. It needs no broker. */
const { port, sdl } = flags({ port: '4300', sdl: '' });

const api = createLiveApi({
  applicationId: 'products',
  connection: connectionFor('products-api'),
  logger: quietLogger,
  tables,
  allowedOrigins: ['http://localhost:5173'],
});

if (sdl !== '') {
  await writeFile(sdl, api.sdl);
} else {
  const { url, close } = await api.listen({ port: Number(port) });
  console.log(`the topic products, live: ${url}`);
  process.once('SIGINT', () => void close());
}
