import type { RequestListener, Server, ServerResponse } from 'node:http';
import { messageOf, StreamsError } from '../errors.ts';
import type { KafkaStreams } from '../kafka-streams.ts';
import type { Logger } from '../logger.ts';
import { checkFunctions, checkLogger, checkOptions, textOf } from '../options.ts';
import type { StreamsMetric } from '../streams-metrics.ts';
import { isStreamThread } from '../topology/built-topologies.ts';
import { PROMETHEUS_TEXT, prometheusText } from './prometheus-text.ts';

/** Longer than load balancers and scrapers keep an idle connection. */
const KEEP_ALIVE_MS = 70_000;

/** What of an application is asked here. */
export type HealthSource = Pick<
  KafkaStreams,
  'state' | 'failure' | 'trouble' | 'waitingFor' | 'notReadyReason' | 'metrics'
>;

/** Metrics of the rest of a process: a registry of prom-client is one. */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  getSingleMetric(name: string): unknown;
  getSingleMetricAsString(name: string): Promise<string>;
}

export interface ProcessorHealthOptions {
  /** 0 is any free port. */
  readonly port: number;
  /** The address that is listened on: 127.0.0.1 by default; 0.0.0.0 is all, as in a container. */
  readonly host?: string | undefined;
  /** What /metrics shows beside `streams.metrics()`. */
  readonly registry?: MetricsRegistry | undefined;
  /**
   * In which words a reason is given, such as with the names of the application's own settings: it gets the error that
   * ended the application, or else a line of the runtime.
   */
  readonly words?: ((said: StreamsError | string) => string) | undefined;
  readonly logger?: Logger | undefined;
}

/** What tells how an instance is. */
export interface ProcessorHealth {
  readonly port: number;
  /** Where it is, such as `http://127.0.0.1:9400`. */
  readonly url: string;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/**
 * Serves, for Kubernetes, load balancers and Prometheus:
 *
 * - `/health`: 200 while this instance works, also while it waits for the broker or a disk, which a restart would not
 *   mend; 503 with code and reason from the failure of a thread until its successor has got something done.
 * - `/ready`: 200 when all its tasks run; else 503 and the reason.
 * - `/metrics`: `streams.metrics()` as Prometheus' text, or those alone that are named: `?name[]=tributary_task_lag`.
 *
 * It may be called before `start`, and goes on until it is closed.
 * @throws StreamsError CONFIG_INVALID; the system's error when the port cannot be listened on.
 */
export async function serveProcessorHealth(
  streams: HealthSource,
  options: ProcessorHealthOptions,
): Promise<ProcessorHealth> {
  checkHealthOptions(streams, options);
  // In a stream thread, which has loaded the program for its topology, it is not to run a second time.
  if (isStreamThread()) return new Promise(() => undefined);
  const { host = '127.0.0.1', port, logger } = options;
  const answers = new HealthAnswers(streams, options);
  // By no import: that reads all that the module has, and with it loads the client behind fetch, 12 MB in each thread.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, shouldUpgradeCallback: () => false }, answers.answer);
  await listen(server, port, host);
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  logger?.info({ host, port: boundPort }, 'serving /health, /ready and /metrics');
  return {
    port: boundPort,
    url: urlOf(host, boundPort),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const HERE = 'serveProcessorHealth';

function checkHealthOptions(streams: HealthSource, options: ProcessorHealthOptions): void {
  if (typeof streams !== 'object' || streams === null)
    throw new StreamsError('CONFIG_INVALID', `${HERE} takes the KafkaStreams first, not ${textOf(streams)}`);
  checkFunctions(`the KafkaStreams of ${HERE}`, streams, ['trouble', 'waitingFor', 'notReadyReason', 'metrics']);
  checkOptions(HERE, options, ['port', 'host', 'registry', 'words', 'logger']);
  const { port, host, registry, words, logger } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new StreamsError(
      'CONFIG_INVALID',
      `port of ${HERE} takes a whole number from 0, which is any free one, to 65535, not ${textOf(port)}`,
    );
  if (host !== undefined && (typeof host !== 'string' || host === ''))
    throw new StreamsError(
      'CONFIG_INVALID',
      `host of ${HERE} takes an address of this machine, such as 127.0.0.1 or 0.0.0.0, not ${textOf(host)}`,
    );
  if (registry !== undefined) checkRegistry(registry);
  if (words !== undefined) checkFunctions(HERE, options, ['words']);
  if (logger !== undefined) checkLogger(HERE, logger);
}

function checkRegistry(registry: MetricsRegistry): void {
  if (typeof registry !== 'object' || registry === null)
    throw new StreamsError('CONFIG_INVALID', `registry of ${HERE} takes one of prom-client, not ${textOf(registry)}`);
  checkFunctions(`registry of ${HERE}`, registry, ['metrics', 'getSingleMetric', 'getSingleMetricAsString']);
  // The other one ends with a mark of its end, behind which nothing can be told.
  if (registry.contentType !== PROMETHEUS_TEXT)
    throw new StreamsError(
      'CONFIG_INVALID',
      `registry of ${HERE} must write Prometheus' text format, "${PROMETHEUS_TEXT}", not ` +
        textOf(registry.contentType),
    );
}

class HealthAnswers {
  readonly #streams: HealthSource;
  readonly #options: ProcessorHealthOptions;

  constructor(streams: HealthSource, options: ProcessorHealthOptions) {
    this.#streams = streams;
    this.#options = options;
  }

  readonly answer: RequestListener = (request, response) => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    this.#answer(request.method ?? '', path, query, response).catch((error: unknown) => {
      this.#options.logger?.error({ path, error: messageOf(error) }, 'a probe could not be answered');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'this could not be found out: the log says why' });
    });
  };

  async #answer(method: string, path: string, query: string, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendJson(response, 405, { error: 'only GET and HEAD are served here' });
    }
    switch (path) {
      case '/health':
        return this.#health(response);
      case '/ready':
        return this.#ready(response);
      case '/metrics':
        return this.#metrics(new URLSearchParams(query).getAll('name[]'), response);
    }
    sendJson(response, 404, {
      error: 'this is a processor instance: /health, /ready and /metrics are all that is here',
    });
  }

  #health(response: ServerResponse): void {
    const { state } = this.#streams;
    const trouble = this.#trouble();
    if (trouble !== undefined) return sendJson(response, 503, { status: 'failing', state, ...trouble });
    const waitingFor = this.#streams.waitingFor();
    sendJson(response, 200, {
      status: 'ok',
      state,
      ...(waitingFor === null ? {} : { waitingFor: this.#words(waitingFor) }),
    });
  }

  #ready(response: ServerResponse): void {
    const trouble = this.#trouble();
    if (trouble !== undefined)
      return sendJson(response, 503, { status: 'not ready', reason: `${trouble.code}: ${trouble.reason}` });
    const reason = this.#streams.notReadyReason();
    if (reason === null) sendJson(response, 200, { status: 'ready' });
    else sendJson(response, 503, { status: 'not ready', reason: this.#words(reason) });
  }

  /** Why the application does not work; undefined while it does. */
  #trouble(): { readonly code: string; readonly reason: string } | undefined {
    const { failure } = this.#streams;
    if (failure !== undefined) return { code: failure.code, reason: this.#words(failure) };
    const trouble = this.#streams.trouble();
    return trouble === undefined ? undefined : { code: trouble.code, reason: this.#words(trouble.reason) };
  }

  #words(said: StreamsError | string): string {
    const { words = (it) => (typeof it === 'string' ? it : it.message) } = this.#options;
    return words(said);
  }

  /** All metrics, or those that are named: measuring a process itself, its memory above all, costs the most. */
  async #metrics(names: readonly string[], response: ServerResponse): Promise<void> {
    const { registry } = this.#options;
    // A registry may have been given the application's metrics, too: none is told twice.
    const own = this.#streams.metrics().filter(({ name }) => registry?.getSingleMetric(name) === undefined);
    const texts = names.length === 0 ? await allTexts(own, registry) : await textsOf(names, own, registry);
    if ('unknown' in texts) return sendJson(response, 400, { error: `there is no metric "${texts.unknown}" here` });
    response.writeHead(200, { 'content-type': PROMETHEUS_TEXT, 'cache-control': 'no-store' });
    response.end(`${texts.found.join('\n\n')}\n`);
  }
}

type Texts = { readonly found: readonly string[] } | { readonly unknown: string };

async function allTexts(own: readonly StreamsMetric[], registry: MetricsRegistry | undefined): Promise<Texts> {
  const others = registry === undefined ? '' : (await registry.metrics()).trimEnd();
  return { found: [others, prometheusText(own)].filter((text) => text !== '') };
}

async function textsOf(
  names: readonly string[],
  own: readonly StreamsMetric[],
  registry: MetricsRegistry | undefined,
): Promise<Texts> {
  const found: string[] = [];
  for (const name of names) {
    const metric = own.find((it) => it.name === name);
    if (metric !== undefined) found.push(prometheusText([metric]));
    else if (registry?.getSingleMetric(name) === undefined) return { unknown: name };
    else found.push(await registry.getSingleMetricAsString(name));
  }
  return { found };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A server that listens on all interfaces is reached as localhost. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${String(port)}`;
}
