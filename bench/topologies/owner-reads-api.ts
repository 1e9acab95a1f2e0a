import { createLiveApi, table } from '@tributary/graphql';
import { z } from 'zod';

/** The API of a store that is too large to copy; brokers, application, token and port are its arguments. */
const [brokers = '', applicationId = '', token = '', port = ''] = process.argv.slice(2);
const api = createLiveApi({
  applicationId,
  connection: { brokers: brokers.split(','), clientId: 'bench-owner-reads' },
  tables: {
    totals: table({
      store: 'totals',
      key: { user: z.string() },
      value: z.object({ events: z.int().min(0), cents: z.int().min(0) }),
      held: 'owner',
    }),
  },
  owner: { token },
});
const { url } = await api.listen({ port: Number(port) });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.once('SIGTERM', () => void api.close().then(() => process.exit(0)));
