import { describe, expect, test } from '@jest/globals';
import kafkajs from '#kafkajs';
import {
  advertisedAddress,
  asAccessDenied,
  asAdvertisedAddress,
  asFatalConnectionError,
  fatalConnectionError,
  CODE,
  hasCode,
  isBrokerAway,
  isFenced,
  isMisdirected,
  kafkaCode,
  waitingForKafka,
} from './kafka-errors.ts';

const { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError, KafkaJSRequestTimeoutError } =
  kafkajs;

/** As kafkajs makes it of a number in a response, wrapped once more where its own retries gave up. */
const answered = (code: number): Error =>
  new KafkaJSProtocolError(Object.assign(new Error(`code ${String(code)}`), { type: 'T', code, retriable: true }));
const givenUp = (cause: Error): Error => new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 2, retryTime: 100 });

test('the number of an answer is found through what kafkajs wraps around it', () => {
  expect(kafkaCode(answered(27))).toBe(27);
  expect(kafkaCode(givenUp(answered(27)))).toBe(27);
  expect(kafkaCode(new Error('x', { cause: answered(27) }))).toBe(27);
  expect(kafkaCode(new KafkaJSConnectionError('refused', { code: 'ECONNREFUSED' }))).toBeUndefined();
  expect(kafkaCode('text')).toBeUndefined();
  expect(hasCode(answered(27), CODE.REBALANCE_IN_PROGRESS)).toBe(true);
  expect(hasCode(undefined, CODE.REBALANCE_IN_PROGRESS)).toBe(false);
});

describe('a broker is away', () => {
  test.each([
    ['refused connections', new KafkaJSConnectionError('refused', { code: 'ECONNREFUSED' })],
    ['after kafkajs gave up', givenUp(new KafkaJSConnectionError('reset', { code: 'ECONNRESET' }))],
    [
      'timed out',
      new KafkaJSRequestTimeoutError('timed out', {
        broker: 'b',
        clientId: 'c',
        correlationId: 1,
        createdAt: 0,
        sentAt: 0,
        pendingDuration: 0,
      }),
    ],
    ['a socket error of Node', Object.assign(new Error('read'), { code: 'ECONNRESET' })],
    ['a name that does not resolve just now', Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' })],
  ])('%s', (_what, error) => {
    expect(isBrokerAway(error)).toBe(true);
  });

  test.each([
    ['request timed out', 7],
    ['not enough replicas', 19],
    ['not enough replicas after append', 20],
    ['storage error', 56],
    ['unstable offset', 88],
    ['coordinator loading', 14],
    ['coordinator not available', 15],
    ['not coordinator', 16],
    ['not leader', 6],
    ['unknown topic or partition', 3],
  ])('and so is one that answers: %s', (_what, code) => {
    expect(isBrokerAway(answered(code))).toBe(true);
  });

  test.each([
    ['a fenced producer', 47],
    ['a record too large', 10],
    ['no authorization for the topic', 29],
    ['none for the transactional id', 53],
    ['an invalid timestamp', 32],
    ['an invalid transaction time-out', 50],
  ])('but not %s: waiting mends nothing', (_what, code) => {
    expect(isBrokerAway(answered(code))).toBe(false);
  });
});

test('topics that cannot be made while there is no controller are no contradiction: each of them says so', () => {
  const creating = (...codes: number[]): Error =>
    Object.assign(new Error('Topic creation errors'), { name: 'KafkaJSAggregateError', errors: codes.map(answered) });
  expect(isBrokerAway(creating(41))).toBe(true);
  expect(isBrokerAway(creating(7, 41))).toBe(true);
  expect(isBrokerAway(creating(7, 38))).toBe(false);
  expect(isBrokerAway(creating())).toBe(false);
});

test('what was refused without effect may be repeated; what may have happened may not', () => {
  for (const code of [14, 15, 16, 6]) expect(isMisdirected(answered(code))).toBe(true);
  for (const code of [7, 19, 20, 56]) expect(isMisdirected(answered(code))).toBe(false);
  expect(isMisdirected(new KafkaJSConnectionError('reset', { code: 'ECONNRESET' }))).toBe(false);
});

test('a producer that is fenced is told apart from one that merely failed', () => {
  for (const code of [47, 48, 49, 52, 90]) expect(isFenced(answered(code))).toBe(true);
  for (const code of [7, 10, 51]) expect(isFenced(answered(code))).toBe(false);
});

test('errors at start that no waiting mends name the setting', () => {
  const fatal = (error: unknown): [string | undefined, string | undefined] => {
    const found = asFatalConnectionError(error, ['kafka:9092']);
    return [found?.code, found?.message.match(/check ([\w.]+)/)?.[1]];
  };
  expect(fatal(Object.assign(new Error('the broker said no'), { name: 'KafkaJSSASLAuthenticationError' }))).toEqual([
    'BROKER_AUTHENTICATION_FAILED',
    'connection.sasl',
  ]);
  expect(fatal(new Error('self-signed certificate'))).toEqual(['BROKER_TLS_FAILED', 'connection.tls']);
  expect(
    fatal(givenUp(new KafkaJSConnectionError('Connection error: getaddrinfo ENOTFOUND kafka', { code: 'ENOTFOUND' }))),
  ).toEqual(['BROKER_NAME_UNKNOWN', 'connection.brokers']);
  expect(fatal(new KafkaJSConnectionError('refused', { code: 'ECONNREFUSED' }))).toEqual([undefined, undefined]);
});

test('a name that a broker advertises is not blamed on connection.brokers', async () => {
  const unknown = givenUp(
    new KafkaJSConnectionError('Connection error: getaddrinfo ENOTFOUND kafka-7', {
      broker: 'kafka-7:9092',
      code: 'ENOTFOUND',
    }),
  );
  for (const fatal of [
    asFatalConnectionError(unknown, ['here:9092']),
    await fatalConnectionError(unknown, ['here:9092', 'there:9092']),
  ]) {
    expect(fatal).toMatchObject({
      code: 'BROKER_NAME_UNKNOWN',
      message: expect.stringMatching(
        /^connection\.brokers here:9092(,there:9092)?: .* answer, .* at kafka-7:9092, .* Set advertised\.listeners /,
      ),
    });
  }
  expect(asFatalConnectionError(unknown, ['kafka-7:9092'])?.message).toMatch(
    /: the name does not resolve; check connection\.brokers$/,
  );
  // The same address in other letters.
  for (const [asked, told] of [
    ['KAFKA-7.:9092', 'kafka-7:9092'],
    ['[::1]:9092', '::1:9092'],
    ['[::1]:9092', '[::1]:9092'],
  ] as const)
    expect(advertisedAddress([asked], { broker: told })).toBeUndefined();
  const worded = asAdvertisedAddress(['here:9092'], unknown);
  expect([
    isBrokerAway(worded),
    asAdvertisedAddress(['here:9092'], worded) === worded,
    asFatalConnectionError(worded, ['here:9092'])?.code,
  ]).toEqual([true, true, 'BROKER_NAME_UNKNOWN']);
  const refused = new KafkaJSConnectionError('Connection error: connect ECONNREFUSED 127.0.0.1:9092', {
    broker: 'localhost:9092',
    code: 'ECONNREFUSED',
  });
  expect(waitingForKafka(['kafka.example:9092'], refused)).toMatch(
    /^waiting for Kafka at kafka\.example:9092: .*ECONNREFUSED.* one .* is at localhost:9092 \(advertised\.listeners\)/,
  );
});

test('of several names one may be unknown, all may not', async () => {
  const unknown = new KafkaJSConnectionError('Connection error: getaddrinfo ENOTFOUND one.invalid', {
    broker: 'one.invalid:9092',
    code: 'ENOTFOUND',
  });
  expect(await fatalConnectionError(unknown, ['one.invalid:9092', '127.0.0.1:9092'])).toBeUndefined();
  expect(await fatalConnectionError(unknown, ['one.invalid:9092', 'two.invalid:9092'])).toMatchObject({
    code: 'BROKER_NAME_UNKNOWN',
  });
});

test('a right that is missing is found in whatever kafkajs makes of it, and what was wanted is named', () => {
  for (const code of [29, 30, 31, 53]) {
    const several = Object.assign(new Error('Topic creation errors'), { errors: [answered(36), answered(code)] });
    for (const error of [answered(code), givenUp(answered(code)), several, { code }]) {
      expect(asAccessDenied(error, 'writing to words')).toMatchObject({
        code: 'BROKER_ACCESS_DENIED',
        message: expect.stringMatching(/^writing to words: /),
      });
    }
    expect(asFatalConnectionError(answered(code), ['kafka:9092'])?.code).toBe('BROKER_ACCESS_DENIED');
  }
  const known = asAccessDenied(answered(29), 'reading words');
  expect(asAccessDenied(known, 'running')).toBe(known);
  for (const error of [answered(3), answered(27), givenUp(answered(7)), new Error('x'), undefined])
    expect(asAccessDenied(error, 'x')).toBeUndefined();
});

test('who waits for a broker says for which, why, and what to look at', () => {
  expect(waitingForKafka(['one:9092', 'two:9092'], new Error('connect ECONNREFUSED'))).toBe(
    'waiting for Kafka at one:9092,two:9092: connect ECONNREFUSED. It goes on by itself when that answers; is ' +
      'the address right, and Kafka running?',
  );
});
