import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { sendNotModified, etagOf, refusesMethod, sendBody, sendJson } from '../server/http-responses.ts';
import { setPagePolicy } from '../access/security-headers.ts';

export const GRAPHIQL_ASSETS = '/graphiql/';
const SCRIPT = 'text/javascript; charset=utf-8';
const compress = promisify(gzip);

interface Asset {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
}

/**
 * Serves GraphiQL whole from this server. The package that holds it would write nine megabytes into every page; here
 * the page is small and its parts are files of their own, loaded by the first visit.
 */
export class GraphiqlPage {
  readonly #load: (start: string) => Promise<ReadonlyMap<string, Asset>>;
  readonly #start: string;
  readonly #page: string;
  #assets: Promise<ReadonlyMap<string, Asset>> | null = null;

  /** `examples`: the tabs that it opens with. */
  constructor(
    examples: readonly string[] = [],
    load: (start: string) => Promise<ReadonlyMap<string, Asset>> = loadAssets,
  ) {
    this.#load = load;
    this.#start = startScript(examples);
    this.#page = pageThatLoads(this.#start);
  }

  /** Whether a request is a browser's visit rather than a query. */
  isVisit(request: IncomingMessage): boolean {
    return (
      (request.method === 'GET' || request.method === 'HEAD') && request.headers.accept?.includes('text/html') === true
    );
  }

  servePage(request: IncomingMessage, response: ServerResponse): void {
    setPagePolicy(request, response, { blobs: true });
    response.setHeader('cache-control', 'no-cache');
    response.appendHeader('vary', 'Accept');
    if (!sendNotModified(request, response, etagOf(this.#page)))
      sendBody(request, response, 200, 'text/html; charset=utf-8', this.#page);
  }

  async serveAsset(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (refusesMethod(request, response, ['GET', 'HEAD'])) return;
    const asset = (await this.#loaded()).get(pathname.slice(GRAPHIQL_ASSETS.length));
    if (asset === undefined) return sendJson(request, response, 404, { error: 'There is nothing at this path.' });
    response.setHeader('cache-control', 'no-cache');
    response.appendHeader('vary', 'Accept-Encoding');
    if (sendNotModified(request, response, asset.etag)) return;
    const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (zipped) response.setHeader('content-encoding', 'gzip');
    sendBody(request, response, 200, asset.contentType, zipped ? asset.gzipped : asset.bytes);
  }

  /** A load that failed is tried again by the next visit. */
  #loaded(): Promise<ReadonlyMap<string, Asset>> {
    this.#assets ??= this.#load(this.#start).catch((error: unknown) => {
      this.#assets = null;
      throw error;
    });
    return this.#assets;
  }
}

type GraphiqlParts = typeof import('@graphql-yoga/render-graphiql/graphiql');
/** A module that `import` could not read, as when file descriptors run out, stays failed; `require` reads it again. */
const require = createRequire(import.meta.url);

async function loadAssets(start: string): Promise<ReadonlyMap<string, Asset>> {
  const parts = require('@graphql-yoga/render-graphiql/graphiql') as GraphiqlParts;
  const texts: readonly (readonly [string, string, string])[] = [
    ['graphiql.js', SCRIPT, parts.js],
    ['graphiql.css', 'text/css; charset=utf-8', parts.css],
    ['editor.worker.js', SCRIPT, parts.editorWorkerService],
    ['json.worker.js', SCRIPT, parts.jsonWorker],
    ['graphql.worker.js', SCRIPT, parts.graphqlWorker],
    ['start.js', SCRIPT, start],
  ];
  const assets = await Promise.all(
    texts.map(async ([name, contentType, text]): Promise<[string, Asset]> => {
      const bytes = Buffer.from(text);
      return [name, { contentType, bytes, gzipped: await compress(bytes), etag: etagOf(bytes) }];
    }),
  );
  return new Map(assets);
}

const ICON_SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 3c4 0 4 5 6 5s2-5 6-5M8 8v6" ' +
  'fill="none" stroke="#2563eb" stroke-width="2" stroke-linecap="round"/></svg>';
const ICON = `data:image/svg+xml,${encodeURIComponent(ICON_SVG)}`;

const OPTIONS = {
  endpoint: '/graphql',
  title: 'Tributary GraphiQL',
  favicon: ICON,
  // Over SSE a header such as Authorization, typed into its panel, goes with subscriptions too.
  subscriptionsProtocol: 'SSE',
};

function startScript(examples: readonly string[]): string {
  const tabs =
    examples.length === 0 ? {} : { defaultQuery: examples[0], defaultTabs: examples.map((query) => ({ query })) };
  return `self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl(moduleId, label) {
    const names = { editorWorkerService: 'editor', json: 'json', graphql: 'graphql' };
    return '${GRAPHIQL_ASSETS}' + (names[label] ?? 'editor') + '.worker.js';
  },
};
YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), ${JSON.stringify({ ...OPTIONS, ...tabs })});
`;
}

function pageThatLoads(start: string): string {
  // Changes with what the page starts, so that no browser pairs a new page with an old start.
  const startVersion = createHash('sha256').update(start).digest('hex').slice(0, 8);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Tributary GraphiQL</title>
    <link rel="icon" href="${ICON}">
    <link rel="stylesheet" href="${GRAPHIQL_ASSETS}graphiql.css">
    <!-- Tabs can be dragged, and slip from under the mouse when they are only clicked. -->
    <style>.graphiql-tab { transform: none !important; }</style>
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script src="${GRAPHIQL_ASSETS}graphiql.js"></script>
    <script src="${GRAPHIQL_ASSETS}start.js?${startVersion}"></script>
  </body>
</html>
`;
}
