import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EnvironmentError, parseEnvironment } from './environment.ts';

function problem(env: NodeJS.ProcessEnv): string {
  try {
    parseEnvironment(env);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
  throw new Error('the environment was accepted');
}

test('nothing set: the defaults of the contract', () => {
  expect(parseEnvironment({}, false)).toEqual({
    kafka: undefined,
    applicationId: 'tributary-logins',
    inputTopic: 'user-login',
    inputPartitions: 4,
    deadLetterTopic: 'user-login-dlq',
    internalReplicationFactor: undefined,
    stateDir: resolve('.data/state'),
    dataDir: resolve('.data'),
    localKafkaPort: 9092,
    numStreamThreads: 1,
    numStandbyReplicas: 0,
    processingGuarantee: 'exactly_once',
    commitIntervalMs: 100,
    maxRecordBytes: 33_554_432,
    host: '127.0.0.1',
    port: 4000,
    allowedOrigins: [],
    allowedHosts: [],
    graphiql: true,
    apiToken: undefined,
    chromePath: undefined,
    processorPort: 0,
    queryListener: undefined,
    producerRate: 20,
    log: { level: 'info', format: 'json' },
  });
});

test('a terminal has pretty logs, unless the environment says otherwise', () => {
  expect(parseEnvironment({}, true).log.format).toBe('pretty');
  expect(parseEnvironment({ LOG_FORMAT: 'json' }, true).log.format).toBe('json');
});

test('an empty or blank value is as if it were not set', () => {
  expect(parseEnvironment({ PORT: '', KAFKA_BROKERS: '  ', COMMIT_INTERVAL_MS: '' }, false)).toEqual(
    parseEnvironment({}, false),
  );
});

test.each(['', '  '])('an API_TOKEN that is set and empty (%j) leaves no door open: it is refused', (token) => {
  expect(problem({ API_TOKEN: token })).toBe(
    'API_TOKEN is set and empty: give it a token, or unset it to leave the API open',
  );
});

test('what is parsed is frozen, to the depths', () => {
  const environment = parseEnvironment({ KAFKA_BROKERS: 'a:1', ALLOWED_ORIGINS: 'https://a.example' });
  for (const part of [
    environment,
    environment.kafka,
    environment.kafka?.brokers,
    environment.log,
    environment.allowedOrigins,
  ]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

describe('Kafka', () => {
  test('brokers are host:port, comma-separated, blanks around them allowed', () => {
    expect(
      parseEnvironment({ KAFKA_BROKERS: 'kafka-1.example:9092, 10.0.0.1:9093', APPLICATION_ID: 'app' }).kafka,
    ).toEqual({
      brokers: ['kafka-1.example:9092', '10.0.0.1:9093'],
      clientId: 'app',
    });
  });

  test('brokers may be addresses of IPv6 in brackets, and names with a dot at their end', () => {
    const brokers = ['[::1]:9092', '[2001:db8::7]:9093', 'kafka.example.:9092'];
    expect(parseEnvironment({ KAFKA_BROKERS: brokers.join(', ') }).kafka?.brokers).toEqual(brokers);
  });

  test.each([
    '::1:9092',
    '[::1]',
    '[::g]:9092',
    '[kafka]:9092',
    'kafka..:9092',
    '.:9092',
    'kafka',
    'kafka:',
    ':9092',
    'kafka:0',
    'kafka:65536',
    'kafka:9x',
    'http://kafka:9092',
    'a b:1',
  ])('the malformed entry %p is named', (entry) => {
    const message = problem({ KAFKA_BROKERS: `good:9092,${entry}` });
    expect(message).toContain('KAFKA_BROKERS="good:9092,');
    expect(message).toContain(`"${entry}" is not host:port`);
  });

  test('an empty entry is named too', () => {
    expect(problem({ KAFKA_BROKERS: 'good:9092,' })).toContain('"" is not host:port');
  });

  test("TLS with a CA of one's own", () => {
    const dir = mkdtempSync(join(tmpdir(), 'environment-'));
    try {
      const file = join(dir, 'ca.pem');
      writeFileSync(file, '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
      const env = { KAFKA_BROKERS: 'a:1', KAFKA_SSL: 'true', KAFKA_CA_FILE: file };
      expect(parseEnvironment(env).kafka?.tls?.ca).toContain('BEGIN CERTIFICATE');
      expect(problem({ ...env, KAFKA_SSL: 'false' })).toContain('set KAFKA_SSL=true');
      writeFileSync(file, 'not a certificate');
      expect(problem(env)).toContain('no PEM certificate');
    } finally {
      rmSync(dir, { recursive: true });
    }
    expect(problem({ KAFKA_SSL: 'true', KAFKA_CA_FILE: '/nowhere/ca.pem' })).toMatch(
      /KAFKA_CA_FILE="\/nowhere\/ca.pem".*ENOENT/,
    );
  });

  test('SASL comes whole or not at all', () => {
    const whole = {
      KAFKA_BROKERS: 'a:1',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: ' p ',
    };
    expect(parseEnvironment(whole).kafka?.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: ' p ' });
    expect(problem({ ...whole, KAFKA_SASL_PASSWORD: '' })).toContain('set KAFKA_SASL_PASSWORD');
    expect(problem({ ...whole, KAFKA_SASL_USERNAME: undefined })).toContain('set KAFKA_SASL_USERNAME');
    expect(problem({ ...whole, KAFKA_SASL_MECHANISM: undefined })).toContain('KAFKA_SASL_MECHANISM');
    expect(problem({ ...whole, KAFKA_BROKERS: undefined })).toBe(
      'KAFKA_SASL_MECHANISM is set but KAFKA_BROKERS is not: the local broker has neither TLS nor SASL; ' +
        'set KAFKA_BROKERS to yours',
    );
    expect(problem({ KAFKA_SSL: 'true' })).toMatch(/^KAFKA_SSL is set but KAFKA_BROKERS is not/);
    expect(problem({ ...whole, KAFKA_SASL_MECHANISM: 'gssapi' })).toContain('plain, scram-sha-256 or scram-sha-512');
  });
});

describe('queryListener', () => {
  const TOKEN = 'an-open-secret-of-26-signs';

  test('needs a port and a token, and listens where /health does unless it is told otherwise', () => {
    const least = { QUERY_LISTENER_PORT: '7070', QUERY_LISTENER_TOKEN: TOKEN };
    expect(parseEnvironment(least).queryListener).toEqual({ host: '127.0.0.1', port: 7070, token: TOKEN });
    expect(parseEnvironment({ ...least, HOST: '0.0.0.0' }).queryListener?.host).toBe('0.0.0.0');
    const whole = parseEnvironment({
      ...least,
      QUERY_LISTENER_HOST: '10.0.0.7',
      QUERY_LISTENER_ADVERTISED_HOST: 'processor-0.processors',
      QUERY_LISTENER_ADVERTISED_PORT: '17070',
    }).queryListener;
    expect(whole).toEqual({
      host: '10.0.0.7',
      port: 7070,
      token: TOKEN,
      advertisedHost: 'processor-0.processors',
      advertisedPort: 17_070,
    });
    expect(Object.isFrozen(whole)).toBe(true);
  });

  test.each([
    ['QUERY_LISTENER_PORT', '7070', 'QUERY_LISTENER_TOKEN'],
    ['QUERY_LISTENER_TOKEN', TOKEN, 'QUERY_LISTENER_PORT'],
    ['QUERY_LISTENER_HOST', '0.0.0.0', 'QUERY_LISTENER_PORT and QUERY_LISTENER_TOKEN'],
    ['QUERY_LISTENER_ADVERTISED_HOST', 'a', 'QUERY_LISTENER_PORT and QUERY_LISTENER_TOKEN'],
    ['QUERY_LISTENER_ADVERTISED_PORT', '7070', 'QUERY_LISTENER_PORT and QUERY_LISTENER_TOKEN'],
  ])('%s alone opens no port in silence: what is missing is named', (name, value, absent) => {
    const message = problem({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name} is set but ${absent} is not: .*set ${absent}, or unset ${name}$`));
    expect(message).not.toContain(TOKEN);
  });

  test.each(['short', `${TOKEN} with blanks`, `${TOKEN}\n`])(
    'a token that is not a good one is not repeated',
    (token) => {
      const message = problem({ QUERY_LISTENER_PORT: '7070', QUERY_LISTENER_TOKEN: token });
      expect(message).toBe(
        'QUERY_LISTENER_TOKEN cannot be used: it takes at least 20 visible ASCII characters without blanks',
      );
    },
  );
});

test.each([
  ['PORT', '65536', 'from 0 to 65535'],
  ['PORT', '-1', 'from 0 to 65535'],
  ['PORT', '4000x', 'from 0 to 65535'],
  ['PORT', '4e3', 'from 0 to 65535'],
  ['LOCAL_KAFKA_PORT', '0', 'from 1 to 65535'],
  ['COMMIT_INTERVAL_MS', '0', 'milliseconds from 1 to'],
  ['COMMIT_INTERVAL_MS', '99.5', 'a whole number'],
  ['SESSION_TIMEOUT_MS', '0', 'milliseconds from 100 to'],
  ['TRANSACTION_TIMEOUT_MS', '900001', 'to 900000'],
  ['NUM_STREAM_THREADS', '0', 'from 1 to'],
  ['NUM_STANDBY_REPLICAS', 'one', 'from 0 to'],
  ['INPUT_PARTITIONS', '0', 'from 1 to'],
  ['INTERNAL_REPLICATION_FACTOR', '0', 'from 1 to'],
  ['PROCESSING_GUARANTEE', 'exactly_once_v2', 'exactly_once or at_least_once'],
  ['GRAPHIQL', 'yes', 'true or false'],
  ['KAFKA_SSL', 'constructor', 'true or false'],
  ['PRODUCER_RATE', '-1', 'from 0 to'],
  ['PRODUCER_RATE', 'Infinity', 'from 0 to'],
  ['QUERY_LISTENER_PORT', '65536', 'from 0 to 65535'],
  ['QUERY_LISTENER_HOST', 'a b', 'host name'],
  ['QUERY_LISTENER_ADVERTISED_HOST', 'http://a', 'host name'],
  ['QUERY_LISTENER_ADVERTISED_PORT', '0', 'from 1 to 65535'],
  ['LOG_LEVEL', 'loud', 'trace, debug, info, warn, error, fatal or silent'],
  ['LOG_FORMAT', 'xml', 'pretty or json'],
  ['APPLICATION_ID', 'my app', 'of the characters'],
  ['APPLICATION_ID', '..', 'not "." or ".."'],
  ['INPUT_TOPIC', 'a/b', 'of the characters'],
  ['HOST', 'a b', 'host name'],
  ['ALLOWED_ORIGINS', 'example.com', '"example.com" is not one'],
  ['ALLOWED_ORIGINS', 'https://a.example,https://b.example/path', '"https://b.example/path" is not one'],
  ['ALLOWED_ORIGINS', '*', '"*" is not one'],
  ['ALLOWED_HOSTS', 'a.example, b.example:443', '"b.example:443" is not one'],
  ['ALLOWED_HOSTS', 'https://a.example', '"https://a.example" is not one'],
])('%s=%s is one line that says what is taken', (name, value, what) => {
  const message = problem({ [name]: value });
  expect(message.startsWith(`${name}="${value}" cannot be used: it takes `)).toBe(true);
  expect(message).toContain(what);
  expect(message).not.toContain('\n');
});

test('every bad value is named, in one line', () => {
  const message = problem({ PORT: 'x', LOG_LEVEL: 'y' });
  expect(message).toContain('PORT="x"');
  expect(message).toContain('LOG_LEVEL="y"');
  expect(message).not.toContain('\n');
});

test('a transaction holds two commit intervals', () => {
  expect(problem({ TRANSACTION_TIMEOUT_MS: '10000', COMMIT_INTERVAL_MS: '5001' })).toMatch(
    /^TRANSACTION_TIMEOUT_MS="10000" .*COMMIT_INTERVAL_MS="5001"/,
  );
  expect(parseEnvironment({ TRANSACTION_TIMEOUT_MS: '10000', COMMIT_INTERVAL_MS: '5000' }).transactionTimeoutMs).toBe(
    10_000,
  );
});

test('a secret is never repeated', () => {
  const message = problem({ API_TOKEN: 'has a blank' });
  expect(message).toContain('API_TOKEN cannot be used');
  expect(message).not.toContain('has a blank');
});

test('dead letters cannot go to the input', () => {
  expect(problem({ INPUT_TOPIC: 'a', DEAD_LETTER_TOPIC: 'a' })).toContain('DEAD_LETTER_TOPIC="a"');
});

test('state follows DATA_DIR unless it has a place of its own', () => {
  expect(parseEnvironment({ DATA_DIR: '/var/tributary' }).stateDir).toBe('/var/tributary/state');
  expect(parseEnvironment({ DATA_DIR: '/var/tributary', STATE_DIR: '/ssd' }).stateDir).toBe('/ssd');
});

test('words are taken in any case, origins without a slash at their end', () => {
  const environment = parseEnvironment({
    PROCESSING_GUARANTEE: 'At_Least_Once',
    GRAPHIQL: 'FALSE',
    ALLOWED_ORIGINS: 'https://A.example/, http://localhost:8080',
  });
  expect(environment).toMatchObject({ processingGuarantee: 'at_least_once', graphiql: false });
  expect(environment.allowedOrigins).toEqual(['https://a.example', 'http://localhost:8080']);
  expect(parseEnvironment({ ALLOWED_HOSTS: 'a.example, b' }).allowedHosts).toEqual(['a.example', 'b']);
});
