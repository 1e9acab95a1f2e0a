/** JSX is the one thing that Node cannot strip. */
const withJsx = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2024',
      parser: { syntax: 'typescript', tsx: true },
      transform: { react: { runtime: 'automatic', importSource: 'preact' } },
      // Node asks for `with { type: 'json' }`; swc drops it unless told to keep it.
      experimental: { keepImportAttributes: true },
    },
    module: { type: 'es6' },
  },
];

const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '^.+\\.ts$': '<rootDir>/tests/strip-types.mjs',
    '^.+\\.tsx$': withJsx,
  },
  modulePathIgnorePatterns: ['<rootDir>/.data/', '<rootDir>/client/dist/'],
};

/** Modules are loaded once a worker, not once a file: half of what the small files cost. */
const native = {
  ...shared,
  injectGlobals: false,
  testEnvironment: '<rootDir>/tests/native/environment.mjs',
  runtime: '<rootDir>/tests/native/runtime.mjs',
};

/** Of the whole, and of what is inside the runtime. */
const BROKER_TESTS = '<rootDir>/{tests,processor/streams/tests,schema/live/tests}';

/** Unit tests sit beside their file; what needs a broker, a browser or two files lives under tests/. */
export default {
  // A slow machine is no failure: this ends only what would never end, and is longer than the deadline of
  // tests/support/until.ts, which names what was waited for. A test sets no time of its own, unless at full length of
  // `npm run chaos`.
  testTimeout: 300_000,
  // How many cases of one file run side by side, where it says `test.concurrent`: cases that have nothing in common but
  // the broker, and mostly wait, for sessions that end and processes that start. At full length each has the machine to
  // itself.
  maxConcurrency: process.env['CHAOS'] === 'full' ? 1 : 3,
  testSequencer: '<rootDir>/tests/slow-first.mjs',
  projects: [
    {
      ...native,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{processor,schema,client,tools,bench,examples}/**/*.test.{ts,tsx}',
        '!**/{processor/streams,schema/live}/tests/{integration,chaos}/**',
        // As in a repository of its own: tests/docs/examples.test.ts runs them with Node's own runner.
        '!**/examples/shop/**',
        '<rootDir>/tests/{contract,docs}/**/*.test.ts',
      ],
    },
    { ...native, displayName: 'integration', testMatch: [`${BROKER_TESTS}/integration/**/*.test.ts`] },
    { ...shared, displayName: 'packages', testMatch: ['<rootDir>/tests/packages/*.test.ts'] },
    { ...native, displayName: 'chaos', testMatch: [`${BROKER_TESTS}/chaos/**/*.test.ts`] },
    { ...native, displayName: 'mutants', testMatch: ['<rootDir>/tests/mutants/**/*.test.ts'] },
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/tests/browser/**/*.test.ts'] },
  ],
};
