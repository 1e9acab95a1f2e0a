import { type KafkaConnectionConfig, type Logger, StreamsError } from '@tributary/streams';
import { checkConnection, didYouMean, textOf } from '@tributary/streams/operations';
import { type Allow, checkAllow } from './access/rights.ts';
import type { ViewerInput } from './access/viewers.ts';
import type { SchemaExtension } from './graphql/live-schema.ts';
import { checkObjectOptions } from './object-options.ts';
import { checkOwner, type OwnerOptions } from './owner/owner-options.ts';
import { declareTables } from './tables/declare-tables.ts';
import type { DeclaredTable } from './tables/declared-table.ts';
import type { Tracing } from './operations/tracing.ts';
import type { TableDeclaration } from './tables/table.ts';

/** What a live API is made of. */
export interface LiveApiOptions<Viewer = unknown> {
  /** Of the application whose stores are served; it need not run here. */
  readonly applicationId: string;
  readonly connection: KafkaConnectionConfig;
  /** By the names of their roots. Nothing is served that is not named here. */
  readonly tables: Readonly<Record<string, TableDeclaration>>;
  /** Who asks; what it throws is UNAUTHENTICATED. A viewer with `expiresAt`, a Date, is sent away at that time. */
  readonly viewer?: ((input: ViewerInput) => Viewer | Promise<Viewer>) | undefined;
  /** What a viewer may see, by `table` or `table.field`. */
  readonly allow?: Allow<Viewer> | undefined;
  /** More fields and roots, or other ones in the place of those that tables have. */
  readonly extend?: SchemaExtension | undefined;
  readonly logger?: Logger | undefined;
  /** Origins of pages, besides its own, that may use the API from a browser. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Host names, besides the host's own, under which the API is asked; without ports. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** False closes GraphiQL and introspection; open unless given. */
  readonly graphiql?: boolean | undefined;
  /** That every caller must have. */
  readonly token?: string | undefined;
  readonly limits?: LiveApiLimits | undefined;
  /** A page of one's own at `/`: its folder, and the HTML while nothing is built there; false: there is none. */
  readonly page?: { readonly folder: string; readonly notBuilt?: string | undefined } | false | undefined;
  /** Spans of operations, for a tracer of the application's. */
  readonly tracing?: Tracing | null | undefined;
  /** What `allowedHosts` and `allowedOrigins` are called where the API is configured, for messages. */
  readonly settings?: { readonly allowedHosts: string; readonly allowedOrigins: string } | undefined;
  /** For tables with `held: 'owner'`: how the processors are asked. */
  readonly owner?: OwnerOptions | undefined;
}

/** Of an API whose copies of the tables are filled by the application. */
export type FilledLiveApiOptions<Viewer = unknown> = Omit<LiveApiOptions<Viewer>, 'connection'>;

export interface LiveApiLimits {
  /** How many connections are held at a time; 2,000 unless given. */
  readonly maxConnections?: number | undefined;
  /** How long a client may leave unread what was sent to it, milliseconds; 30,000 unless given. */
  readonly stalledAfterMs?: number | undefined;
  /** What may wait for clients that read slowly, bytes of all connections together; 128 MiB unless given. */
  readonly maxUnsentBytes?: number | undefined;
  /** What subscriptions to ranges of tables with `held: 'owner'` may hold together, bytes; 256 MiB unless given. */
  readonly maxFollowedBytes?: number | undefined;
}

const KNOWN = [
  ...['applicationId', 'connection', 'tables', 'viewer', 'allow', 'extend', 'logger', 'allowedOrigins', 'allowedHosts'],
  ...['graphiql', 'token', 'limits', 'page', 'owner', 'tracing', 'settings'],
];
const KNOWN_LIMITS = ['maxConnections', 'stalledAfterMs', 'maxUnsentBytes', 'maxFollowedBytes'];

/**
 * The declared tables, and one line for each option that cannot be used in `problems`. `isFed`: from brokers.
 * @throws StreamsError CONFIG_INVALID for what is no object.
 */
export function checkLiveApiOptions(
  options: LiveApiOptions | FilledLiveApiOptions,
  problems: string[],
  isFed = true,
): DeclaredTable[] {
  const given: unknown = options;
  const known = isFed ? KNOWN : KNOWN.filter((name) => name !== 'connection');
  if (typeof given !== 'object' || given === null)
    throw new StreamsError('CONFIG_INVALID', `${makerOf(isFed)} takes an object with options, not ${textOf(given)}`);
  for (const name of Object.keys(given))
    if (!known.includes(name)) problems.push(`there is no option ${name}: ${didYouMean(name, known)}`);
  const { applicationId, tables } = options;
  if (typeof applicationId !== 'string' || applicationId === '')
    problems.push(`applicationId: must be the name of the application, not ${textOf(applicationId)}`);
  try {
    if (isFed) checkConnection((options as LiveApiOptions).connection);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const declared = declareTables(tables, problems);
  checkOwner(options.owner, declared, isFed, problems);
  checkAllow(options.allow, declared, problems);
  checkPlainOptions(options, problems);
  checkObjectOptions(options, problems);
  return declared;
}

/** What makes an API that is fed from brokers, or filled by its application. */
export function makerOf(isFed: boolean): string {
  return isFed ? 'createLiveApi' : 'createFilledLiveApi';
}

function checkPlainOptions(options: LiveApiOptions | FilledLiveApiOptions, problems: string[]): void {
  const { viewer, logger, graphiql, token, limits, page } = options;
  const refuse = (name: string, wanted: string, value: unknown): void => {
    problems.push(`${name}: must be ${wanted}, not ${textOf(value)}`);
  };
  if (viewer !== undefined && typeof viewer !== 'function') refuse('viewer', 'a function of headers', viewer);
  if (logger !== undefined && !isLogger(logger)) refuse('logger', 'an object with debug, info, warn and error', logger);
  for (const name of ['allowedOrigins', 'allowedHosts'] as const) {
    const names: unknown = options[name];
    if (names !== undefined && !(Array.isArray(names) && names.every((one) => typeof one === 'string' && one !== '')))
      refuse(name, 'a list of texts', names);
  }
  if (graphiql !== undefined && typeof graphiql !== 'boolean') refuse('graphiql', 'true or false', graphiql);
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    problems.push('token: must be a text that is not empty; leave it out where everybody may ask');
  if (limits !== undefined) checkLimits(limits, problems);
  if (page !== undefined && page !== false && typeof (page as { folder?: unknown } | null)?.folder !== 'string')
    refuse('page', 'false or { folder }', page);
}

function checkLimits(limits: unknown, problems: string[]): void {
  if (typeof limits !== 'object' || limits === null) {
    problems.push(`limits: must be an object, not ${textOf(limits)}`);
    return;
  }
  for (const [name, value] of Object.entries(limits)) {
    if (!KNOWN_LIMITS.includes(name)) problems.push(`limits has no ${name}: ${didYouMean(name, KNOWN_LIMITS)}`);
    else if (value !== undefined && (!Number.isInteger(value) || (value as number) < 1))
      problems.push(`limits.${name}: must be a whole number of 1 or more, not ${textOf(value)}`);
  }
}

function isLogger(logger: unknown): boolean {
  return (
    typeof logger === 'object' &&
    logger !== null &&
    ['debug', 'info', 'warn', 'error'].every((name) => typeof (logger as Record<string, unknown>)[name] === 'function')
  );
}
