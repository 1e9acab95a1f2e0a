import {
  type ApiServer,
  type ApplicationDescription,
  createFilledLiveApi,
  type ExtensionParts,
  type LiveModel,
  type Tracing,
} from '@tributary/graphql';
import type { Logger } from '@tributary/streams';
import { GRAPHIQL_EXAMPLES } from './graphiql-examples.ts';
import { loginCosts } from './login-costs.ts';
import { loginResolvers, readTypeDefinitions } from './resolvers/api-schema.ts';
import { restResults } from './rest-results.ts';
import type { LoginModel } from './rows/login-model.ts';
import { LOGIN_TABLES } from './rows/login-tables.ts';

const NOT_BUILT_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tributary</title>
<h1>The dashboard is not built</h1>
<p><code>npm start</code> builds it and starts everything. Beside a running API,
<code>npm run codegen &amp;&amp; npx vite build client</code> builds it: then load this page again.</p>
<p>The API works without it: <a href="/graphql">GraphiQL</a>, <a href="/data">/data</a>,
<a href="/insights">/insights</a>.</p>
`;

export interface LoginApiOptions {
  readonly model: LoginModel;
  readonly application: ApplicationDescription;
  readonly logger: Logger;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts?: readonly string[];
  readonly graphiql: boolean;
  readonly apiToken: string | undefined;
  readonly tracing?: Tracing | null;
  /** The folder of the built dashboard; it may be absent. */
  readonly dashboardFolder: string;
  readonly maxConnections?: number;
  readonly stalledAfterMs?: number;
}

/** Serves the logins' API. Rejects with the system's error when the port cannot be listened on. */
export async function startLoginApi({ model, application, ...options }: LoginApiOptions): Promise<ApiServer> {
  const { host, port, apiToken, dashboardFolder, maxConnections, stalledAfterMs, ...given } = options;
  const api = createFilledLiveApi(model as unknown as LiveModel, {
    ...given,
    applicationId: model.applicationId,
    tables: LOGIN_TABLES,
    token: apiToken,
    limits: { maxConnections, stalledAfterMs },
    page: { folder: dashboardFolder, notBuilt: NOT_BUILT_PAGE },
    settings: { allowedHosts: 'ALLOWED_HOSTS', allowedOrigins: 'ALLOWED_ORIGINS' },
    extend: {
      typeDefs: readTypeDefinitions(),
      resolvers: ({ onSubscription }: ExtensionParts) => loginResolvers(model, application, onSubscription),
      costs: (schema) => loginCosts(schema, model),
      restResults: restResults(model),
      graphiqlExamples: GRAPHIQL_EXAMPLES,
    },
  });
  const { url, port: listening, close } = await api.listen({ host, port });
  return { url, port: listening, stop: close };
}
