import { createLiveApi, type LiveApi, type TableAccess } from '@tributary/graphql';
import type { KafkaConnectionConfig, Logger } from '@tributary/streams';
import { APPLICATION_ID } from './names.ts';
import { tables } from './tables.ts';

export interface ShopApiOptions {
  readonly connection: KafkaConnectionConfig;
  readonly logger: Logger;
  /** Who sends it as a bearer token sees the customers. Undefined: everybody does. */
  readonly staffToken?: string | undefined;
}

/** Who asks. */
interface Viewer {
  readonly isStaff: boolean;
}

/** The shop's API: its tables, and the customer beside what is counted by customer. */
export function shopApi({ connection, logger, staffToken }: ShopApiOptions): LiveApi {
  return createLiveApi<Viewer>({
    applicationId: APPLICATION_ID,
    connection,
    logger,
    tables,
    viewer: ({ headers, connectionParams }) => {
      const said = headers['authorization'] ?? connectionParams?.['authorization'];
      return { isStaff: staffToken === undefined || said === `Bearer ${staffToken}` };
    },
    allow: { customers: ({ isStaff }) => isStaff },
    extend: {
      typeDefs: /* GraphQL */ `
        extend type CustomerTotals {
          "Null where the customer is not known, or gone."
          customer: Customer
        }
        extend type UnpaidOrder {
          "Null where the customer is not known, or gone."
          customer: Customer
        }
      `,
      resolvers: { CustomerTotals: { customer }, UnpaidOrder: { customer } },
    },
  });
}

/** What resolvers find in their context: the tables, as the viewer may see them. */
interface Context {
  readonly tables: Readonly<Record<keyof typeof tables, TableAccess>>;
}

function customer(row: { readonly customerId: string }, _args: unknown, context: Context): unknown {
  return context.tables.customers.get(row.customerId);
}
