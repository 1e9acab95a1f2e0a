import { describe, expect, test } from '@jest/globals';
import { parseStreamsConfig, type StreamsConfigInput } from './streams-config.ts';

const named = { applicationId: 'app', stateDir: 'state' };
const parsed = (config: Readonly<Record<string, unknown>>): unknown =>
  parseStreamsConfig(config as unknown as StreamsConfigInput);

describe('the settings of an application', () => {
  test('are filled in, frozen, and plain data', () => {
    const config = parseStreamsConfig({ ...named, commitIntervalMs: 10_000, numStandbyReplicas: undefined });
    expect(config).toEqual({
      applicationId: 'app',
      stateDir: 'state',
      processingGuarantee: 'exactly_once',
      numStreamThreads: 1,
      numStandbyReplicas: 0,
      commitIntervalMs: 10_000,
      sessionTimeoutMs: 8_000,
      rebalanceTimeoutMs: 20_000,
      heartbeatIntervalMs: 700,
      transactionTimeoutMs: 30_000,
      statusIntervalMs: 1_000,
      threadReplaceBackoffMs: 500,
      threadReplacements: 10,
      threadHangTimeoutMs: 20_000,
      noProgressTimeoutMs: 60_000,
      maxBytesPerPartition: 524_288,
      maxRecordBytes: 33_554_432,
      cacheMaxBytes: 10_485_760,
      maxTaskIdleMs: 0,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(structuredClone(config)).toEqual(config);
  });

  test.each([
    [{ ...named, applicationId: '' }, 'applicationId: may hold letters, digits, dot, dash and underscore'],
    [{ ...named, applicationId: 'a/b' }, 'not "a/b"'],
    [{ ...named, applicationId: 'a'.repeat(201) }, 'at most 200'],
    [{ ...named, stateDir: '' }, 'stateDir: takes a path, not ""'],
    [{ applicationId: 'app' }, 'stateDir: takes a path, not undefined'],
    [{ ...named, processingGuarantee: 'exactly_once_v2' }, 'takes "exactly_once" or "at_least_once"'],
    [{ ...named, numStreamThreads: 0 }, 'numStreamThreads: takes a whole number from 1 to 64, not 0'],
    [{ ...named, numStreamThreads: 65 }, 'from 1 to 64, not 65'],
    [{ ...named, numStreamThreads: null }, 'numStreamThreads: takes a whole number from 1 to 64, not null'],
    [{ ...named, numStandbyReplicas: 101 }, 'from 0 to 100, not 101'],
    [{ ...named, commitIntervalMs: '100' }, 'commitIntervalMs: takes a whole number from 1, not "100"'],
    [{ ...named, commitIntervalMs: 1.5 }, 'not 1.5'],
    [{ ...named, commitIntervalMs: 2 ** 53 }, 'commitIntervalMs: takes a whole number from 1'],
    [{ ...named, internalReplicationFactor: 0 }, 'internalReplicationFactor: takes a whole number from 1'],
    [{ ...named, transactionTimeoutMs: 900_001 }, 'from 1 to 900000, not 900001'],
    [{ ...named, threadReplacements: -1 }, 'threadReplacements: takes a whole number from 0, not -1'],
    [{ ...named, maxRecordBytes: 1_023 }, 'from 1024 to 268435456, not 1023'],
    [{ ...named, cacheMaxBytes: -1 }, 'cacheMaxBytes: takes a whole number from 0, not -1'],
    [{ ...named, cacheMaxByte: 1 }, 'there is no setting "cacheMaxByte": did you mean "cacheMaxBytes"?'],
    [{ ...named, toString: 1 }, 'there is no setting "toString"'],
    [{ ...named, heartbeatIntervalMs: 5_000 }, 'must be at least three heartbeats of 5000 ms'],
    [{ ...named, transactionTimeoutMs: 100 }, 'must be at least two commit intervals of 100 ms'],
  ])('%j is refused: %s', (config, said) => {
    expect(() => parsed(config)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => parsed(config)).toThrow(said);
  });

  test('all that is wrong is said at once', () => {
    const wrong = { ...named, stateDir: 7, numStreamThreads: 0, zzz: 1 };
    expect(() => parsed(wrong)).toThrow(
      /stateDir: takes a path, not 7; numStreamThreads: .*; there is no setting "zzz"/,
    );
  });

  test.each([[null], [[]], ['app']])('%j is no configuration', (config) => {
    expect(() => parseStreamsConfig(config as never)).toThrow('streams configuration: it takes an object');
  });
});
