import { expect, test } from '@jest/globals';
import { StreamsError } from '@tributary/streams';
import { errorLine, unknownBrokersLine, withVariables, wordsOf } from './runtime-words.ts';

test('an error names the variable of each of its settings, and the command where a reset is the remedy', () => {
  const full = new StreamsError(
    'STATE_DIRECTORY_UNUSABLE',
    'cannot use the state directory /tmp/stateDir/x (stateDir): no permission: set stateDir to another one',
    { settings: ['stateDir'] },
  );
  expect(errorLine(full)).toBe(
    'STATE_DIRECTORY_UNUSABLE: cannot use the state directory /tmp/stateDir/x (STATE_DIR): no permission: ' +
      'set STATE_DIR to another one',
  );
  const gone = new StreamsError('OFFSETS_MISSING', 'If starting over is meant, reset the application', {
    remedy: 'reset',
  });
  expect(wordsOf(gone)).toBe(
    'If starting over is meant, reset the application (npm run reset for the login application; docs/operations.md)',
  );
  expect(wordsOf(new StreamsError('USER_CODE_FAILED', 'stateDir is a word of the user'))).toBe(
    'stateDir is a word of the user',
  );
});

test('other lines name the variables of all options, at the end of a sentence too', () => {
  expect(withVariables('connection.brokers a:1: the name does not resolve; check connection.brokers.')).toBe(
    'KAFKA_BROKERS a:1: the name does not resolve; check KAFKA_BROKERS.',
  );
  expect(
    withVariables('set sessionTimeoutMs to 9; connection.brokersList, my-stateDir and x.stateDir are others'),
  ).toBe(
    'set sessionTimeoutMs (SESSION_TIMEOUT_MS) to 9; connection.brokersList, my-stateDir and x.stateDir are others',
  );
});

test('the options of queryListener are its variables', () => {
  expect(withVariables('queryListener.port: nothing can listen at 0.0.0.0:7070: give another port')).toBe(
    'QUERY_LISTENER_PORT: nothing can listen at 0.0.0.0:7070: give another port',
  );
});

test('names of brokers: only when none of them resolves', () => {
  expect(unknownBrokersLine(['[::1]:9092'], ['[::1]:9092'])).toBe(
    'BROKER_NAME_UNKNOWN: KAFKA_BROKERS names "[::1]:9092", but the name ::1 does not resolve: correct it.',
  );
  expect(unknownBrokersLine(['a:1', 'b:1'], ['a:1'])).toBeUndefined();
  expect(unknownBrokersLine(['a:1'], [])).toBeUndefined();
});
