/**
 * Modules of its own: it counts the topologies that were built before, from the first one on.
 * @jest-environment node
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { StreamsBuilder } from '../topology/streams-builder.ts';
import { originOf } from '../topology/built-topologies.ts';

const SOURCES = {
  streams: new URL('../index.ts', import.meta.url).href,
  supervisor: new URL('./supervisor.ts', import.meta.url).href,
  origins: new URL('../topology/built-topologies.ts', import.meta.url).href,
};

const IMPORTS = `
import { isMainThread } from 'node:worker_threads';
import { KafkaStreams, StreamsBuilder, stringSerde } from '${SOURCES.streams}';
`;
const BUILD = `
export function build(topic) {
  const builder = new StreamsBuilder();
  builder.stream(topic, { decode: ({ value }) => String(value) }).to('out', { value: stringSerde });
  return builder.build();
}
`;
const LOGGER = `{ debug() {}, info() {}, warn() {}, error() {} }`;
const STREAMS = `{ topology, connection: { brokers: ['127.0.0.1:1'], clientId: 'x' }, logger: ${LOGGER},
  config: { applicationId: 'x', stateDir: '/nowhere' } }`;

/** Modules by name; each exports a topology. */
const MODULES: Readonly<Record<string, string>> = {
  'while-loading': `${IMPORTS}${BUILD} export const topology = build('in');`,
  'two-alike': `${IMPORTS}${BUILD} build('in'); export const topology = build('in');`,
  'by-another': `import { build } from './while-loading.mjs'; export const topology = build('other');`,
  // The program itself: in a stream thread it starts nothing, and does not come past its start.
  program: `${IMPORTS}${BUILD} export const topology = build('in');
    const streams = new KafkaStreams(${STREAMS});
    if (!isMainThread) { await streams.start(); throw new Error('started in a thread'); }`,
  'a-moment-later': `${IMPORTS}${BUILD} let done; export const ready = new Promise((resolve) => { done = resolve; });
    export let topology; async function main() { await 1; topology = build('in'); done(); } void main();`,
  'not-while-loading': `${IMPORTS}${BUILD} export let topology; export const ready = Promise.resolve();
    if (isMainThread) topology = build('in');`,
  'not-in-threads': `${IMPORTS}${BUILD} if (!isMainThread) throw new Error('not here');
    export const topology = build('in');`,
};

const CHECK = `
import { loadStreamThread, topologyBuilt } from '${SOURCES.supervisor}';
import { originOf } from '${SOURCES.origins}';
const found = {};
await Promise.all(process.argv.slice(2).map(async (name) => {
  const module = await import('./' + name + '.mjs');
  await module.ready;
  const worker = loadStreamThread(name, { origin: originOf(module.topology) });
  found[name] = await topologyBuilt(worker).then(() => 'built', ({ code, message }) => code + ' ' + message);
  await worker.terminate();
}));
console.log(JSON.stringify(found));
`;

let folder: string;
let found: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-built-'));
  for (const [name, code] of Object.entries({ ...MODULES, check: CHECK }))
    await writeFile(join(folder, `${name}.mjs`), code);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(folder, 'check.mjs'), ...Object.keys(MODULES)],
    { cwd: folder },
  );
  found = JSON.parse(stdout) as Record<string, string>;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(['while-loading', 'two-alike', 'by-another', 'program', 'a-moment-later'])(
  'a stream thread builds the topology of a module again: %s',
  (name) => {
    expect(found[name]).toBe('built');
  },
);

test.each([
  [
    'not-while-loading',
    /it was loaded, and did not build it\. Call build\(\) while that module is loaded.*topologyModule/,
  ],
  ['not-in-threads', /not-in-threads\.mjs: it cannot be loaded \(not here\)\..*topologyModule/],
])('and says what to do where it cannot: %s', (name, message) => {
  expect(found[name]).toMatch(/^CONFIG_INVALID the topology cannot be built in a stream thread/);
  expect(found[name]).toMatch(message);
});

test('two topologies that look alike are told apart by their order', () => {
  const build = (): ReturnType<StreamsBuilder['build']> => {
    const builder = new StreamsBuilder();
    builder.stream('in', { decode: String }).peek(() => undefined);
    return builder.build();
  };
  const [one, other] = [originOf(build()), originOf(build())];
  expect([one?.nth, other]).toEqual([0, { ...one, nth: 1 }]);
  expect(originOf({ ...build() })).toBeUndefined();
});
