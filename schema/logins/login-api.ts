import { type ApiServer, type ApiServerOptions, type ApplicationDescription, startApiServer } from '@tributary/graphql';
import { GRAPHIQL_EXAMPLES } from './graphiql-examples.ts';
import { loginCosts } from './login-costs.ts';
import { createApiSchema } from './resolvers/api-schema.ts';
import { restResults } from './rest-results.ts';
import type { LoginModel } from './rows/login-model.ts';

const NOT_BUILT_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tributary</title>
<h1>The dashboard is not built</h1>
<p><code>npm start</code> builds it and starts everything. Beside a running API,
<code>npm run codegen &amp;&amp; npx vite build client</code> builds it: then load this page again.</p>
<p>The API works without it: <a href="/graphql">GraphiQL</a>, <a href="/data">/data</a>,
<a href="/insights">/insights</a>.</p>
`;

/** Options of the server that this file sets. */
type SetHere = 'model' | 'createSchema' | 'costs' | 'restResults' | 'graphiqlExamples' | 'page' | 'settings';

export interface LoginApiOptions extends Omit<ApiServerOptions, SetHere> {
  readonly model: LoginModel;
  readonly application: ApplicationDescription;
  /** The folder of the built dashboard; it may be absent. */
  readonly dashboardFolder: string;
}

/** Serves the logins' API. Rejects with the system's error when the port cannot be listened on. */
export function startLoginApi({
  model,
  application,
  dashboardFolder,
  ...options
}: LoginApiOptions): Promise<ApiServer> {
  return startApiServer({
    ...options,
    model,
    createSchema: (onSubscription) => createApiSchema(model, application, onSubscription),
    costs: (schema) => loginCosts(schema, model),
    restResults: restResults(model),
    graphiqlExamples: GRAPHIQL_EXAMPLES,
    page: { folder: dashboardFolder, notBuilt: NOT_BUILT_PAGE },
    settings: { allowedHosts: 'ALLOWED_HOSTS', allowedOrigins: 'ALLOWED_ORIGINS' },
  });
}
