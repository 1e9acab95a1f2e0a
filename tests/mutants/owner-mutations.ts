import type { JudgedMutation } from './topology-mutations.ts';

/* Mistakes in what an instance answers to other processes about its stores. */

const STREAMS = 'processor/streams';
const OWNERS = `${STREAMS}/queries/connect-owners.test.ts`;

export const OWNER_MUTATIONS: readonly JudgedMutation[] = [
  {
    name: 'rows of a commit come with the offsets of the one before',
    edits: [{ mark: 'snapshot-offsets', condition: 'this.#failure === null' }],
    judge: `${STREAMS}/tests/contract/state-store.test.ts`,
    red: /the rows and the offsets of one commit/,
  },
  {
    name: 'an answer is older than the position that it must have seen',
    edits: [{ mark: 'not-before-position', condition: 'false' }],
    judge: OWNERS,
    red: /waits until it has seen minPosition/,
  },
  {
    name: 'a hello with another token is welcomed',
    edits: [{ mark: 'right-hello', condition: 'false' }],
    judge: OWNERS,
    red: /is told nothing, not even a byte/,
  },
  {
    name: 'a hello that was overheard opens a session',
    edits: [{ mark: 'right-session', condition: 'false' }],
    judge: OWNERS,
    red: /overheard opens nothing/,
  },
];
