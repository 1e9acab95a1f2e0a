import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

import { API_NODE_FLAGS } from './api-node-flags.ts';
import { projectRoot } from '../command-line/project-root.ts';

const text = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

test('the API has the same flags however it is started', () => {
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
  expect(scripts['api']).toBe(`exec node tools/launcher/launch.mjs ${API_NODE_FLAGS.join(' ')} schema/logins/main.ts`);
  const { services } = parse(text('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string> }>;
  };
  expect(services['api']?.environment['NODE_OPTIONS']).toBe(API_NODE_FLAGS.join(' '));
});
