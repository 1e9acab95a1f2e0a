/** The house (docs/architecture): imports run one way, and each outside library has its own door. */
/** A test, in a package or beside its file, may use what tests/ offers. */
const ofTests = '(\\.test\\.tsx?$|^(processor/streams|schema/live)/tests/)';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'streams-knows-nothing-above-it',
      comment: 'The runtime knows nothing of logins or GraphQL.',
      severity: 'error',
      from: { path: '^processor/streams/', pathNot: ofTests },
      to: { path: '^(processor/logins|schema|client|tools|tests|bench|examples)/' },
    },
    {
      name: 'logins-knows-nothing-above-it',
      comment: 'The application stands on the runtime alone.',
      severity: 'error',
      from: { path: '^processor/logins/', pathNot: ofTests },
      to: { path: '^(schema|client|tools|tests|bench|examples)/' },
    },
    {
      name: 'live-knows-nothing-of-logins',
      comment: 'The live API serves tables of any topology: logins are one user of it.',
      severity: 'error',
      from: { path: '^schema/live/', pathNot: ofTests },
      to: { path: '^(processor/logins|schema/logins)/' },
    },
    {
      name: 'schema-knows-nothing-above-it',
      comment: 'The API reads what the processor wrote.',
      severity: 'error',
      from: { path: '^schema/', pathNot: ofTests },
      to: { path: '^(client|tools|tests|bench|examples)/' },
    },
    {
      name: 'client-speaks-http-only',
      comment: 'Pages run in a browser: what they know of the rest, they know through the API.',
      severity: 'error',
      from: { path: '^client/', pathNot: ofTests },
      to: { path: '^(processor|schema|tools|tests|bench|examples)/' },
    },
    {
      name: 'client-pages-stand-apart',
      comment: 'What two pages have in common is in client/shared/, which knows neither.',
      severity: 'error',
      from: { path: '^client/(src|page|shared)/' },
      to: { path: '^client/(src|page)/', pathNot: '^client/$1/' },
    },
    {
      name: 'tools-start-the-house-and-do-not-live-in-it',
      comment: 'A tool may use the runtime and the application, not the tests.',
      severity: 'error',
      from: { path: '^tools/', pathNot: ofTests },
      to: { path: '^(client|tests|examples)/' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or a third is missing. Imports of types count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'streams-by-its-entries',
      comment: '@tributary/streams is imported by what its package.json exports, by that name.',
      severity: 'error',
      from: { pathNot: '^processor/streams/' },
      to: { path: '^processor/streams/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'] },
    },
    {
      name: 'graphql-by-its-entries',
      comment: '@tributary/graphql is imported by what its package.json exports, by that name.',
      severity: 'error',
      from: { pathNot: '^schema/live/' },
      to: { path: '^schema/live/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'] },
    },
    {
      name: 'kafkajs-has-few-doors',
      comment: 'Only the rooms that talk to Kafka import kafkajs, so that its seam stays narrow.',
      severity: 'error',
      from: { pathNot: '^(processor/streams/(tests|kafka|reading|writing|group|topics|table)|tools|tests|bench)/' },
      to: { path: '^node_modules/kafkajs/' },
    },
    {
      name: 'level-has-one-door',
      comment: 'One file knows LevelDB; its test counts the reads.',
      severity: 'error',
      from: { pathNot: '^processor/streams/store/leveldb-store(\\.test)?\\.ts$' },
      to: { path: '^node_modules/(level|classic-level|abstract-level)/' },
    },
    {
      name: 'commit-has-one-caller',
      comment: 'A commit is made by the loop of a thread, through the tasks that it has, or by the test driver.',
      severity: 'error',
      from: { pathNot: '^processor/streams/(task/task-manager|testing/driven-tasks)\\.ts$' },
      to: { path: '^processor/streams/task/commit\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-unresolved',
      comment: 'An import that leads nowhere fails at run time.',
      severity: 'error',
      from: {},
      // A package of types alone has no file to resolve to.
      to: { couldNotResolve: true, pathNot: '^@graphql-typed-document-node/core$' },
    },
    {
      name: 'product-without-dev-packages',
      comment: 'The container installs no dev dependencies.',
      severity: 'error',
      from: { path: '^(processor|schema)/', pathNot: ofTests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    exclude: {
      path: ['^tools/api-reference/node_modules/', '^(client|schema/live/pages)/dist/', '^\\.data/', '\\.css$'],
    },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
