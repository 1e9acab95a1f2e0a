import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { findJava, parseJavaMajorVersion } from './java.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "25" 2025-09-16', 25],
  ['java version "1.8.0_412"', 8],
  ['openjdk version "21-ea" 2023-09-19', 21],
  ['Error: no such thing', undefined],
])('%p is Java %p', (output, version) => {
  expect(parseJavaMajorVersion(output)).toBe(version);
});

test('a missing Java names the three ways to a Kafka', async () => {
  await expect(findJava({ PATH: '/nowhere' })).rejects.toMatchObject({ code: 'JAVA_MISSING' });
  await expect(findJava({ PATH: '/nowhere' })).rejects.toThrow(
    /install Java 17\+ and Maven.*KAFKA_BROKERS.*docker compose up/,
  );
  await expect(findJava({ JAVA_HOME: '/nowhere' })).rejects.toThrow('/nowhere/bin/java (JAVA_HOME)');
});

test('an old Java is named with its version', async () => {
  const home = mkdtempSync(join(tmpdir(), 'old-java-'));
  try {
    mkdirSync(join(home, 'bin'));
    const java = join(home, 'bin', 'java');
    writeFileSync(java, '#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n');
    chmodSync(java, 0o755);
    await expect(findJava({ ...process.env, JAVA_HOME: home })).rejects.toMatchObject({
      code: 'JAVA_TOO_OLD',
      message: expect.stringContaining('Java 11 is too old'),
    });
  } finally {
    rmSync(home, { recursive: true });
  }
});
