import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { KafkaConnectionConfig, KafkaStreamsOptions } from '@tributary/streams';

const processingGuarantees = ['exactly_once', 'at_least_once'] as const;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const logFormats = ['pretty', 'json'] as const;

/** All that Tributary takes from its environment, parsed once at start. Deeply frozen. */
export interface Environment {
  /** Undefined when KAFKA_BROKERS is not set. Its clientId is the application id. */
  readonly kafka: KafkaConnectionConfig | undefined;
  readonly applicationId: string;
  readonly inputTopic: string;
  /** Of an input topic that Tributary creates. */
  readonly inputPartitions: number;
  readonly deadLetterTopic: string;
  /** Of the topics Tributary creates for itself; undefined: as the brokers have it. */
  readonly internalReplicationFactor: number | undefined;
  /** An absolute path; `<dataDir>/state` unless set. */
  readonly stateDir: string;
  /** An absolute path. */
  readonly dataDir: string;
  readonly localKafkaPort: number;
  readonly numStreamThreads: number;
  readonly numStandbyReplicas: number;
  readonly processingGuarantee: (typeof processingGuarantees)[number];
  readonly commitIntervalMs: number;
  readonly maxRecordBytes: number;
  /** Undefined: the runtime's default, as of the next. */
  readonly sessionTimeoutMs: number | undefined;
  readonly transactionTimeoutMs: number | undefined;
  readonly host: string;
  /** Of the API; 0 is any free port. */
  readonly port: number;
  /** Origins besides the API's own whose pages may read it, such as `https://example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Names, without ports, by which the API is asked besides its own addresses. */
  readonly allowedHosts: readonly string[];
  readonly graphiql: boolean;
  readonly apiToken: string | undefined;
  readonly chromePath: string | undefined;
  /** Of a processor instance's /health, /ready and /metrics; 0 is any free port. */
  readonly processorPort: number;
  /** Where a processor answers other processes about its stores; undefined: nowhere. */
  readonly queryListener: KafkaStreamsOptions['queryListener'];
  /** Synthetic logins a second; 0 is none. */
  readonly producerRate: number;
  readonly log: LogConfig;
}

export interface LogConfig {
  readonly level: (typeof logLevels)[number];
  readonly format: (typeof logFormats)[number];
}

/** A value of the environment that cannot be used. The message is one line that names variable, value and remedy. */
export class EnvironmentError extends Error {
  readonly code = 'BAD_ENVIRONMENT';
  /** What a main exits with: a supervisor does not try such a start again. */
  readonly exitCode = 2;

  constructor(message: string) {
    super(message);
    this.name = 'EnvironmentError';
  }
}

const secrets = new Set(['KAFKA_SASL_PASSWORD', 'API_TOKEN', 'QUERY_LISTENER_TOKEN']);

/** A variable: `what` is how the error says what it takes, `parse` answers undefined for what it does not take. */
function variable<T>(what: string, parse: (text: string) => T | undefined): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });
}

function integer(min: number, max: number, unit = ''): z.ZodType<number, string> {
  return variable(`a whole number${unit} from ${min} to ${max}`, (text) => {
    const value = Number(text.trim());
    return /^\d+$/.test(text.trim()) && value >= min && value <= max ? value : undefined;
  });
}

function oneOf<const T extends string>(values: readonly T[]): z.ZodType<T, string> {
  const last = values.at(-1) ?? '';
  const what = `${values.slice(0, -1).join(', ')} or ${last}`;
  return variable(what, (text) => values.find((value) => value === text.trim().toLowerCase()));
}

/** One that can be overheard at work is guessed at leisure where it is short. */
const LEAST_TOKEN_LENGTH = 20;

const hostOrAddress = variable('a host name or an address', (host) =>
  /^[a-zA-Z0-9._:-]+$/.test(host.trim()) ? host.trim() : undefined,
);

const flag = oneOf(['true', 'false']).transform((value) => value === 'true');
const text = z.string().transform((value) => value.trim());
const verbatim = z.string();

function kafkaName(maxLength: number): z.ZodType<string, string> {
  return variable(
    `1 to ${maxLength} of the characters a-z, A-Z, 0-9, ".", "_" and "-", but not "." or ".."`,
    (value) => {
      const name = value.trim();
      return /^[a-zA-Z0-9._-]+$/.test(name) && name.length <= maxLength && name !== '.' && name !== '..'
        ? name
        : undefined;
    },
  );
}

function isBroker(entry: string): boolean {
  const [, host = '', port] = /^(.+):(\d{1,5})$/.exec(entry) ?? [];
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
  // A dot at the end says that the name is whole.
  const known =
    bracketed === undefined ? /^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?\.?$/.test(host) : isIPv6(bracketed);
  return known && Number(port) >= 1 && Number(port) <= 65_535;
}

const brokers = z.string().transform((list, context) => {
  const entries = list.split(',').map((entry) => entry.trim());
  const bad = entries.find((entry) => !isBroker(entry));
  if (bad === undefined) return entries;
  context.addIssue({ code: 'custom', message: `host:port entries, comma-separated, and "${bad}" is not host:port` });
  return z.NEVER;
});

const origins = z.string().transform((list, context) => {
  const parsed: string[] = [];
  for (const entry of list.split(',').map((each) => each.trim())) {
    const url = URL.canParse(entry) ? new URL(entry) : undefined;
    // Only scheme, host and port make an origin: a browser never sends more, so more would never match.
    const whole = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (!whole) {
      context.addIssue({
        code: 'custom',
        message: `origins such as https://example.com, comma-separated, and "${entry}" is not one`,
      });
      return z.NEVER;
    }
    parsed.push(url.origin);
  }
  return parsed;
});

const hostNames = z.string().transform((list, context) => {
  const names = list.split(',').map((entry) => entry.trim());
  const bad = names.find((name) => !/^[a-zA-Z0-9_]([a-zA-Z0-9._-]*[a-zA-Z0-9_])?\.?$/.test(name));
  if (bad === undefined) return names;
  context.addIssue({
    code: 'custom',
    message: `host names such as logins.example.com, comma-separated and without ports, and "${bad}" is not one`,
  });
  return z.NEVER;
});

/** A Kafka topic name may have 249 characters: the longest suffix of an internal topic must fit behind the id. */
const longestApplicationId = 150;

/** The id is a directory name too, and one that begins with a dot is hidden. */
const applicationId = kafkaName(longestApplicationId).refine((id) => !id.startsWith('.'), {
  error: 'a name that does not begin with a dot',
});

const variables = z.object({
  KAFKA_BROKERS: brokers.optional(),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  KAFKA_SASL_USERNAME: verbatim.optional(),
  KAFKA_SASL_PASSWORD: verbatim.optional(),
  KAFKA_CA_FILE: text.optional(),
  APPLICATION_ID: applicationId.default('tributary-logins'),
  INPUT_TOPIC: kafkaName(249).default('user-login'),
  INPUT_PARTITIONS: integer(1, 10_000).default(4),
  DEAD_LETTER_TOPIC: kafkaName(249).default('user-login-dlq'),
  STATE_DIR: text.optional(),
  DATA_DIR: text.default('.data'),
  LOCAL_KAFKA_PORT: integer(1, 65_535).default(9092),
  INTERNAL_REPLICATION_FACTOR: integer(1, 1_000).optional(),
  NUM_STREAM_THREADS: integer(1, 64).default(1),
  NUM_STANDBY_REPLICAS: integer(0, 100).default(0),
  PROCESSING_GUARANTEE: oneOf(processingGuarantees).default('exactly_once'),
  COMMIT_INTERVAL_MS: integer(1, 300_000, ' of milliseconds').default(100),
  MAX_RECORD_BYTES: integer(1_024, 268_435_456, ' of bytes').default(33_554_432),
  SESSION_TIMEOUT_MS: integer(100, 3_600_000, ' of milliseconds').optional(),
  TRANSACTION_TIMEOUT_MS: integer(100, 900_000, ' of milliseconds').optional(),
  HOST: hostOrAddress.default('127.0.0.1'),
  PORT: integer(0, 65_535).default(4000),
  ALLOWED_ORIGINS: origins.default([]),
  ALLOWED_HOSTS: hostNames.default([]),
  GRAPHIQL: flag.default(true),
  // A header can carry nothing else.
  API_TOKEN: variable('visible ASCII characters without blanks', (token) =>
    /^[\x21-\x7e]+$/.test(token) ? token : undefined,
  ).optional(),
  CHROME_PATH: text.optional(),
  PROCESSOR_PORT: integer(0, 65_535).default(0),
  QUERY_LISTENER_PORT: integer(0, 65_535).optional(),
  QUERY_LISTENER_TOKEN: variable(
    `at least ${String(LEAST_TOKEN_LENGTH)} visible ASCII characters without blanks`,
    (token) => (/^[\x21-\x7e]+$/.test(token) && token.length >= LEAST_TOKEN_LENGTH ? token : undefined),
  ).optional(),
  QUERY_LISTENER_HOST: hostOrAddress.optional(),
  QUERY_LISTENER_ADVERTISED_HOST: hostOrAddress.optional(),
  QUERY_LISTENER_ADVERTISED_PORT: integer(1, 65_535).optional(),
  PRODUCER_RATE: variable('a number of logins a second from 0 to 1000000', (rate) => {
    const value = Number(rate.trim());
    return /^\d+(\.\d+)?$/.test(rate.trim()) && value <= 1_000_000 ? value : undefined;
  }).default(20),
  LOG_LEVEL: oneOf(logLevels).default('info'),
  LOG_FORMAT: oneOf(logFormats).optional(),
});

type Variables = z.output<typeof variables>;

/**
 * Parses the environment. A name that is absent, empty or blank has its default. Throws an EnvironmentError whose
 * message is one line when a value cannot be used. `isTerminal` decides the default of LOG_FORMAT.
 */
export function parseEnvironment(
  env: NodeJS.ProcessEnv = process.env,
  isTerminal: boolean = process.stdout.isTTY === true,
): Environment {
  const given: Record<string, string> = {};
  for (const name of Object.keys(variables.shape)) {
    const value = env[name];
    if (value !== undefined && value.trim() !== '') given[name] = value;
  }
  // Who sets it means to shut the door: an empty one must not leave it open.
  if (env['API_TOKEN']?.trim() === '')
    throw new EnvironmentError('API_TOKEN is set and empty: give it a token, or unset it to leave the API open');
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const shown = secrets.has(name) ? '' : `="${given[name]}"`;
      return `${name}${shown} cannot be used: it takes ${issue.message}`;
    });
    throw new EnvironmentError(problems.join('; '));
  }
  const values = parsed.data;
  if (values.INPUT_TOPIC === values.DEAD_LETTER_TOPIC) {
    throw new EnvironmentError(
      `DEAD_LETTER_TOPIC="${values.DEAD_LETTER_TOPIC}" cannot be used: it is the INPUT_TOPIC; ` +
        `give it a topic of its own`,
    );
  }
  const transactionMs = values.TRANSACTION_TIMEOUT_MS;
  if (transactionMs !== undefined && transactionMs < 2 * values.COMMIT_INTERVAL_MS) {
    throw new EnvironmentError(
      `TRANSACTION_TIMEOUT_MS="${transactionMs}" cannot be used: two intervals of ` +
        `COMMIT_INTERVAL_MS="${values.COMMIT_INTERVAL_MS}" must fit into it`,
    );
  }
  return Object.freeze({
    kafka: kafkaConnection(values),
    applicationId: values.APPLICATION_ID,
    inputTopic: values.INPUT_TOPIC,
    inputPartitions: values.INPUT_PARTITIONS,
    deadLetterTopic: values.DEAD_LETTER_TOPIC,
    internalReplicationFactor: values.INTERNAL_REPLICATION_FACTOR,
    stateDir: resolve(values.STATE_DIR ?? `${values.DATA_DIR}/state`),
    dataDir: resolve(values.DATA_DIR),
    localKafkaPort: values.LOCAL_KAFKA_PORT,
    numStreamThreads: values.NUM_STREAM_THREADS,
    numStandbyReplicas: values.NUM_STANDBY_REPLICAS,
    processingGuarantee: values.PROCESSING_GUARANTEE,
    commitIntervalMs: values.COMMIT_INTERVAL_MS,
    maxRecordBytes: values.MAX_RECORD_BYTES,
    sessionTimeoutMs: values.SESSION_TIMEOUT_MS,
    transactionTimeoutMs: values.TRANSACTION_TIMEOUT_MS,
    host: values.HOST,
    port: values.PORT,
    allowedOrigins: Object.freeze(values.ALLOWED_ORIGINS),
    allowedHosts: Object.freeze(values.ALLOWED_HOSTS),
    graphiql: values.GRAPHIQL,
    apiToken: values.API_TOKEN,
    chromePath: values.CHROME_PATH,
    processorPort: values.PROCESSOR_PORT,
    queryListener: queryListenerOf(values),
    producerRate: values.PRODUCER_RATE,
    log: Object.freeze({ level: values.LOG_LEVEL, format: values.LOG_FORMAT ?? (isTerminal ? 'pretty' : 'json') }),
  });
}

/** What a main begins with: the environment, or one line on standard error and exit code 2. */
export function environmentOrExit(env: NodeJS.ProcessEnv = process.env): Environment {
  try {
    return parseEnvironment(env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(error.exitCode);
  }
}

function kafkaConnection(values: Variables): KafkaConnectionConfig | undefined {
  const tls = tlsOf(values);
  const sasl = saslOf(values);
  if (values.KAFKA_BROKERS === undefined) {
    if (tls === undefined && sasl === undefined) return undefined;
    throw new EnvironmentError(
      `${tls === undefined ? 'KAFKA_SASL_MECHANISM' : 'KAFKA_SSL'} is set but KAFKA_BROKERS is not: ` +
        `the local broker has neither TLS nor SASL; set KAFKA_BROKERS to yours`,
    );
  }
  return Object.freeze({
    brokers: Object.freeze(values.KAFKA_BROKERS),
    clientId: values.APPLICATION_ID,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

function tlsOf(values: Variables): KafkaConnectionConfig['tls'] {
  const file = values.KAFKA_CA_FILE;
  if (file === undefined) return values.KAFKA_SSL ? Object.freeze({}) : undefined;
  if (!values.KAFKA_SSL)
    throw new EnvironmentError(`KAFKA_CA_FILE="${file}" cannot be used without TLS: set KAFKA_SSL=true`);
  let ca: string;
  try {
    ca = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
    throw new EnvironmentError(`KAFKA_CA_FILE="${file}" cannot be read (${reason}): it takes the path of a PEM file`);
  }
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new EnvironmentError(`KAFKA_CA_FILE="${file}" cannot be used: the file holds no PEM certificate`);
  }
  return Object.freeze({ ca });
}

function saslOf(values: Variables): KafkaConnectionConfig['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  if (mechanism === undefined) {
    const stray =
      username !== undefined ? 'KAFKA_SASL_USERNAME' : password !== undefined ? 'KAFKA_SASL_PASSWORD' : undefined;
    if (stray === undefined) return undefined;
    throw new EnvironmentError(
      `${stray} is set but KAFKA_SASL_MECHANISM is not: set it to plain, scram-sha-256 or scram-sha-512`,
    );
  }
  if (username === undefined || password === undefined) {
    const absent = username === undefined ? 'KAFKA_SASL_USERNAME' : 'KAFKA_SASL_PASSWORD';
    throw new EnvironmentError(
      `KAFKA_SASL_MECHANISM="${mechanism}" needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD: set ${absent}`,
    );
  }
  return Object.freeze({ mechanism, username, password });
}

/** Port and token make it; the rest says more of it, and by itself would be forgotten in silence. */
function queryListenerOf(values: Variables): Environment['queryListener'] {
  const {
    QUERY_LISTENER_PORT: port,
    QUERY_LISTENER_TOKEN: token,
    QUERY_LISTENER_HOST: host,
    QUERY_LISTENER_ADVERTISED_HOST: advertisedHost,
    QUERY_LISTENER_ADVERTISED_PORT: advertisedPort,
  } = values;
  if (port !== undefined && token !== undefined)
    return Object.freeze({
      host: host ?? values.HOST,
      port,
      token,
      ...(advertisedHost === undefined ? {} : { advertisedHost }),
      ...(advertisedPort === undefined ? {} : { advertisedPort }),
    });
  const given = Object.entries(values).find(
    ([name, value]) => name.startsWith('QUERY_LISTENER_') && value !== undefined,
  )?.[0];
  if (given === undefined) return undefined;
  const absent = [
    ...(port === undefined ? ['QUERY_LISTENER_PORT'] : []),
    ...(token === undefined ? ['QUERY_LISTENER_TOKEN'] : []),
  ].join(' and ');
  throw new EnvironmentError(
    `${given} is set but ${absent} is not: a processor answers queries where it has a port and a token; ` +
      `set ${absent}, or unset ${given}`,
  );
}
