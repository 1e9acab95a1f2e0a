import { expect, test } from '@jest/globals';
import { localKafkaProperties } from './local-kafka-properties.ts';

const properties = (cleanShutdown: boolean): string =>
  localKafkaProperties({
    port: 9092,
    node: { id: 1, controllerPorts: new Map([[1, 9093]]) },
    logDir: '/log',
    cleanShutdown,
  });

test('a broker that was killed does not wait for the 9 s session of its predecessor', () => {
  expect(properties(false)).toContain('broker.session.timeout.ms=2000\n');
  expect(properties(true)).not.toContain('broker.session.timeout.ms');
});

test('a directory may have any name', () => {
  const text = localKafkaProperties({
    port: 9092,
    node: { id: 1, controllerPorts: new Map([[1, 9093]]) },
    logDir: '/Jürgen/a b#c!=:\\d/𝄞',
    cleanShutdown: true,
  });
  expect(text).toContain('log.dirs=/J\\u00fcrgen/a b#c!=:\\\\d/\\ud834\\udd1e\n');
});
