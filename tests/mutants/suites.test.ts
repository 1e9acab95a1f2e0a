import { expect, test } from '@jest/globals';
import {
  ANY_INPUT_FIRST,
  CLEAN_MARK_BELIEVED,
  GATE_ALWAYS_OPEN,
  LATE_UNCOUNTED,
  NEVER_VERIFIED,
  NO_DIGEST,
  ONE_ABORTED_PER_BATCH,
  READS_UNCOMMITTED,
  REUSED_PRODUCER,
  STANDBY_IGNORED,
  STREAM_TIME_IS_A_MAXIMUM,
  TRUSTS_ABORTED_ORDER,
  UNPATCHED_FILTER,
} from './mutations.ts';
import { BYTES_MUTATIONS } from './bytes-mutations.ts';
import { OWNER_MUTATIONS } from './owner-mutations.ts';
import { TOPOLOGY_MUTATIONS } from './topology-mutations.ts';
import { reportFigure, seed, sized } from '../support/chaos.ts';
import { createMutant, type Mutation } from '../support/mutant.ts';
import { redTests, type SuiteOptions } from '../support/suite-of-mutant.ts';

/*
 * Each mutant makes a test of this project go red, and that test is named: a guarantee whose test stays green when it
 * is taken out has no test.
 */

interface Case extends Pick<SuiteOptions, 'project' | 'file' | 'named'> {
  readonly mutation: Mutation;
  /** The test that must go red; others may as well. */
  readonly red: RegExp;
  /** In what it says. */
  readonly says: RegExp;
  /** Not worth its time inside `npm test`. */
  readonly onlyInFull?: true;
}

const CORRUPTION = {
  project: 'unit',
  file: 'processor/streams/tests/contract/state-store.corruption.test.ts',
} as const;
const DECODER = {
  project: 'unit',
  file: 'processor/streams/kafka/record-set.test.ts',
  named: 'read_committed',
} as const;
const PRODUCERS = { project: 'chaos', file: 'processor/streams/tests/chaos/aborted-reads.test.ts' } as const;

const CASES: readonly Case[] = [
  {
    mutation: UNPATCHED_FILTER,
    project: 'unit',
    file: 'processor/streams/tests/contract/kafkajs-patch.test.ts',
    named: 'read_committed',
    red: /any interleaving/,
    says: /Property failed/,
  },
  { mutation: TRUSTS_ABORTED_ORDER, ...DECODER, red: /exactly the committed records/, says: /Property failed/ },
  { mutation: ONE_ABORTED_PER_BATCH, ...DECODER, red: /exactly the committed records/, says: /Property failed/ },
  {
    mutation: TRUSTS_ABORTED_ORDER,
    ...PRODUCERS,
    red: /four transactional producers/,
    says: /"record \d+"/,
    onlyInFull: true,
  },
  {
    mutation: ONE_ABORTED_PER_BATCH,
    ...PRODUCERS,
    red: /four transactional producers/,
    says: /"record \d+"/,
    onlyInFull: true,
  },
  {
    mutation: READS_UNCOMMITTED,
    ...PRODUCERS,
    red: /four transactional producers/,
    says: /"record \d+"/,
    onlyInFull: true,
  },
  {
    mutation: REUSED_PRODUCER,
    project: 'chaos',
    file: 'tests/chaos/delayed-frames.test.ts',
    named: 'next transaction',
    red: /in the middle of the next transaction/,
    says: /is used again after an error/,
    onlyInFull: true,
  },
  {
    mutation: NO_DIGEST,
    ...CORRUPTION,
    named: 'digest alone',
    red: /seen by the digest alone/,
    says: /toBe\(expected\)/,
  },
  { mutation: NEVER_VERIFIED, ...CORRUPTION, red: /a hole in a long log/, says: /toBe\(expected\)/, onlyInFull: true },
  {
    mutation: CLEAN_MARK_BELIEVED,
    ...CORRUPTION,
    red: /an older table in the place/,
    says: /cannot be trusted|toBe\(expected\)/,
    onlyInFull: true,
  },
  {
    mutation: GATE_ALWAYS_OPEN,
    project: 'unit',
    file: 'processor/streams/task/task-manager.test.ts',
    named: 'gate',
    red: /waits at the gate/,
    says: /./,
    onlyInFull: true,
  },
  {
    mutation: STANDBY_IGNORED,
    project: 'unit',
    file: 'processor/streams/group/partition-assignor.test.ts',
    red: /goes to the standby/,
    says: /./,
    onlyInFull: true,
  },
  {
    mutation: STREAM_TIME_IS_A_MAXIMUM,
    project: 'unit',
    file: 'processor/streams/task/watermark.test.ts',
    red: /minimum/,
    says: /./,
    onlyInFull: true,
  },
  {
    mutation: ANY_INPUT_FIRST,
    project: 'unit',
    file: 'processor/streams/topology/several-inputs.test.ts',
    red: /years apart/,
    says: /"records": 241/,
    onlyInFull: true,
  },
  ...[...TOPOLOGY_MUTATIONS, ...BYTES_MUTATIONS, ...OWNER_MUTATIONS].map((mutation): Case => ({
    mutation,
    project: 'unit',
    file: mutation.judge,
    red: mutation.red,
    says: /./,
    onlyInFull: true,
  })),
  {
    mutation: LATE_UNCOUNTED,
    project: 'unit',
    file: 'processor/streams/topology/lateness.test.ts',
    red: /too late for a window table behind the shuffle/,
    says: /"late": 7/,
    onlyInFull: true,
  },
];

test.each(
  sized({ short: CASES.filter(({ onlyInFull }) => onlyInFull !== true), full: CASES }).map(
    (it) => [it.mutation.name, it.file, it] as const,
  ),
)('%s: %s goes red', async (name, file, { mutation, project, named, red, says }) => {
  const mutant = await createMutant(mutation);
  try {
    const found = await redTests({
      root: mutant.root,
      project,
      file,
      seed,
      timeoutMs: 280_000,
      ...(named === undefined ? {} : { named }),
    });
    const caught = found.find((it) => red.test(it.name));
    expect(
      `${caught?.name ?? `none of ${JSON.stringify(found.map((it) => it.name))}`}: ${caught?.message ?? ''}`,
    ).toMatch(new RegExp(`(?:${red.source})[^]*(?:${says.source})`));
    reportFigure({
      fault: `mutant: ${name}`,
      asked: 'caught',
      measured: `${file}: "${String(caught?.name)}": ${firstLines(caught?.message)}`,
    });
  } finally {
    await mutant.remove();
  }
});

const LONGEST_MESSAGE = 160;

function firstLines(message = ''): string {
  const text = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 4)
    .join(' ')
    .replaceAll('|', '/');
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}
