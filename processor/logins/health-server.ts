import { createServer, type ServerResponse } from 'node:http';
import type { KafkaStreams, Logger } from '@tributary/streams';
import { processorMetrics } from './metrics.ts';
import { troubleOf, withVariables } from './runtime-words.ts';

/** Longer than load balancers and scrapers keep an idle connection. */
const KEEP_ALIVE_MS = 70_000;

/** A processor instance's own /health, /ready and /metrics. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws the listen error (port in use and the like). */
export async function serveHealth(options: {
  host: string;
  port: number;
  streams: KafkaStreams;
  log: Logger;
}): Promise<HealthServer> {
  const { host, port, streams, log } = options;
  const metrics = processorMetrics(streams);
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, shouldUpgradeCallback: () => false },
    (request, response) => {
      const [path, query = ''] = (request.url ?? '/').split('?', 2);
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        answer(response, 405, { error: 'only GET and HEAD are served here' });
      } else if (path === '/health') {
        // A process that waits for a disk or a broker works: starting it anew would mend nothing.
        const trouble = troubleOf(streams);
        const waitingFor = streams.waitingFor();
        if (trouble === undefined)
          answer(response, 200, {
            status: 'ok',
            state: streams.state,
            ...(waitingFor === null ? {} : { waitingFor: withVariables(waitingFor) }),
          });
        else answer(response, 503, { status: 'failing', state: streams.state, ...trouble });
      } else if (path === '/ready') {
        const trouble = troubleOf(streams);
        const reason = trouble === undefined ? streams.notReadyReason() : `${trouble.code}: ${trouble.reason}`;
        answer(
          response,
          reason === null ? 200 : 503,
          reason === null ? { status: 'ready' } : { status: 'not ready', reason: withVariables(reason) },
        );
      } else if (path === '/metrics') {
        const names = new URLSearchParams(query).getAll('name[]');
        const unknown = names.find((name) => metrics.getSingleMetric(name) === undefined);
        if (unknown === undefined)
          void textOf(metrics, names).then((text) => {
            response.writeHead(200, { 'content-type': metrics.contentType });
            response.end(text);
          });
        else answer(response, 400, { error: `there is no metric "${unknown}" here` });
      } else {
        answer(response, 404, {
          error:
            'this is a processor instance: /health, /ready and /metrics are here, everything else is served by the API',
        });
      }
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  log.info({ host, port: boundPort }, 'serving /health, /ready and /metrics');
  return {
    port: boundPort,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** All metrics, or those that are named: measuring the process itself, its memory above all, costs the most. */
async function textOf(metrics: ReturnType<typeof processorMetrics>, names: readonly string[]): Promise<string> {
  if (names.length === 0) return metrics.metrics();
  const texts = await Promise.all(names.map((name) => metrics.getSingleMetricAsString(name)));
  return `${texts.join('\n\n')}\n`;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
