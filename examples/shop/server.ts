import { shopApi } from './api.ts';
import { connection, logger, onStop } from './settings.ts';

/** The API, with the page at its address. Start several: each has a copy of the tables. */
const api = shopApi({ connection, logger, staffToken: process.env['SHOP_STAFF_TOKEN'] });
const { url, close } = await api.listen({
  host: process.env['HOST'] ?? '127.0.0.1',
  port: Number(process.env['PORT'] ?? 4200),
});
onStop(close);
console.log(`the shop: ${url}`);
