import { createLiveApi, table } from '@tributary/graphql';
import { z } from 'zod';

/** The API of one compacted topic, for the benchmark of large tables: brokers and port are its arguments. */
const [brokers = '', port = '', topic = ''] = process.argv.slice(2);
const api = createLiveApi({
  applicationId: 'bench-live-table',
  connection: { brokers: brokers.split(','), clientId: 'bench-live-table' },
  tables: {
    skuTotals: table({
      topic,
      key: { sku: z.string() },
      value: z.object({ orders: z.int().min(0), cents: z.int().min(0) }),
      orderBy: ['cents'],
      filter: ['orders'],
    }),
  },
});
const { url } = await api.listen({ port: Number(port) });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.once('SIGTERM', () => void api.close().then(() => process.exit(0)));
