import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { StreamsError } from '@tributary/streams';
import { confirm, failureLine, type Terminal } from './command-line.ts';
import { UserError } from './user-error.ts';

function terminal(): { terminal: Terminal; typed: PassThrough; shown: () => string } {
  const typed = new PassThrough();
  const output = new PassThrough();
  let text = '';
  output.setEncoding('utf8').on('data', (more: string) => (text += more));
  return { terminal: { input: typed, output, errors: new PassThrough(), interactive: true }, typed, shown: () => text };
}

describe('a question', () => {
  test.each([
    ['y\n', true],
    ['Y \n', true],
    ['my-app\n', true],
    ['\n', false],
    ['n\n', false],
    ['yes please\n', false],
    ['my-app-2\n', false],
  ])('answered with %j', async (answer, expected) => {
    const { terminal: asked, typed, shown } = terminal();
    const answered = confirm('Delete? ', ['y', 'my-app'], asked);
    typed.write(answer);
    expect(await answered).toBe(expected);
    expect(shown()).toBe('Delete? ');
  });

  test('without an answer is a no', async () => {
    const { terminal: asked, typed } = terminal();
    const answered = confirm('Delete? ', ['y'], asked);
    typed.end();
    expect(await answered).toBe(false);
  });
});

test('a failure is one line that says what to do', () => {
  const connection = { brokers: ['a:1', 'b:2'], clientId: 'c' };
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(failureLine(away, connection)).toBe(
    'Kafka at a:1,b:2 does not answer: connect ECONNREFUSED. Start it, or set KAFKA_BROKERS',
  );
  expect(failureLine(Object.assign(new Error('getaddrinfo ENOTFOUND a'), { code: 'ENOTFOUND' }), connection)).toBe(
    'BROKER_NAME_UNKNOWN: KAFKA_BROKERS a:1,b:2: the name does not resolve; check KAFKA_BROKERS',
  );
  expect(failureLine(new StreamsError('COMMIT_FAILED', 'refused'), connection)).toBe('COMMIT_FAILED: refused');
  expect(failureLine(new UserError('X', 'mend it'), connection)).toBe('mend it');
});
