import { setTimeout as sleep } from 'node:timers/promises';
import type kafkajs from 'kafkajs';
import type { Environment } from '../../processor/logins/environment.ts';
import { CODE, createKafka, hasCode } from '@tributary/streams/operations';
import {
  confirm,
  connectionOf,
  EXIT_FAILED,
  EXIT_USAGE,
  failureLine,
  silentLogger,
  type Terminal,
} from '../command-line/command-line.ts';
import type { ResetArguments } from './reset-arguments.ts';
import { emptySlot, takeLocalState } from './reset-local-state.ts';
import { committedOffsets, isEmpty, planReset, usersOf, type ResetPlan } from './reset-plan.ts';
import { describePlan } from './reset-text.ts';
import { UserError } from '../command-line/user-error.ts';

const GROUP_ID_NOT_FOUND = 69;
const NON_EMPTY_GROUP = 68;
const TOPIC_DELETION_DISABLED = 73;
const TOPICS_GONE_TIMEOUT_MS = 30_000;

/**
 * Shows what a reset deletes, asks, and deletes it; answers the exit code. Nothing is changed while the application is
 * in use, nor without a yes.
 * @throws what kafkajs throws; UserError
 */
export async function resetApplication(
  asked: ResetArguments,
  environment: Environment,
  terminal: Terminal,
): Promise<number> {
  const connection = connectionOf(environment);
  const admin = createKafka(connection, silentLogger).admin();
  await admin.connect();
  try {
    const shown = await withPlan(admin, environment, async (plan) => {
      if (isEmpty(plan)) {
        terminal.output.write(
          `Nothing to reset: ${plan.applicationId} has no committed offsets, no internal topics and no local ` +
            `state in ${plan.localState.root}\n`,
        );
        return 0;
      }
      terminal.output.write(describePlan(plan, connection.brokers));
      if (isInUse(plan, terminal)) return EXIT_FAILED;
      if (!asked.dryRun) return undefined;
      terminal.output.write('Nothing was changed (--dry-run)\n');
      return 0;
    });
    const refused = shown ?? (asked.yes ? undefined : await askFirst(environment, terminal));
    if (refused !== undefined) return refused;
    // Looked at again: somebody may have taken their time over the answer.
    return await withPlan(admin, environment, async (plan) => {
      if (isInUse(plan, terminal)) return EXIT_FAILED;
      try {
        await applyReset(admin, plan, (done) => terminal.output.write(`${done}\n`));
      } catch (error) {
        throw new UserError(
          'RESET_INCOMPLETE',
          `${failureLine(error, connection)}. The reset is not complete: run it again before a processor starts`,
        );
      }
      terminal.output.write(`Done: the next start counts ${plan.input.topic} from its beginning\n`);
      return 0;
    });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** While `work` runs no processor can start on the slots of the plan. */
async function withPlan<T>(
  admin: kafkajs.Admin,
  environment: Environment,
  work: (plan: ResetPlan) => Promise<T>,
): Promise<T> {
  const localState = await takeLocalState(environment.stateDir, environment.applicationId);
  try {
    return await work(await planReset(admin, environment, localState));
  } finally {
    localState.release();
  }
}

function isInUse(plan: ResetPlan, { errors }: Terminal): boolean {
  const users = usersOf(plan);
  if (users.length === 0) return false;
  errors.write(
    `${plan.applicationId} is in use; nothing was changed:\n${users.map((line) => `  ${line}\n`).join('')}Stop ` +
      `its processors and run this again; one that was killed stays a member until its session times out, ` +
      `seconds later\n`,
  );
  return true;
}

/** Undefined: yes. Else the exit code. */
async function askFirst({ applicationId }: Environment, terminal: Terminal): Promise<number | undefined> {
  if (!terminal.interactive) {
    terminal.errors.write('Nothing was changed: there is no terminal to ask on; give --yes to delete this\n');
    return EXIT_USAGE;
  }
  if (await confirm(`Delete this? Type y or ${applicationId}: `, ['y', 'yes', applicationId], terminal))
    return undefined;
  terminal.output.write('Nothing was changed\n');
  return EXIT_FAILED;
}

/**
 * Deletes topics, then local state, then the group: the group's offsets are what makes a processor refuse to start on
 * the rest, so they go last. Wherever it is cut off, the next processor refuses to start or starts afresh, and the next
 * reset finishes the work. `onDone` hears of each deletion.
 */
export async function applyReset(admin: kafkajs.Admin, plan: ResetPlan, onDone: (what: string) => void): Promise<void> {
  for (const topic of plan.topics) {
    await deleteTopic(admin, topic);
    onDone(`deleted the topic ${topic}`);
  }
  await topicsGone(admin, plan.topics);
  for (const slot of plan.localState.slots) {
    if (slot.contents.length === 0) continue;
    await emptySlot(slot);
    onDone(`emptied ${slot.path}`);
  }
  if (!plan.group.exists) return;
  await deleteGroup(admin, plan.applicationId);
  onDone(`deleted the group ${plan.applicationId}`);
}

async function deleteTopic(admin: kafkajs.Admin, topic: string): Promise<void> {
  try {
    await admin.deleteTopics({ topics: [topic] });
  } catch (error) {
    if (hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION)) return;
    if (hasCode(error, TOPIC_DELETION_DISABLED))
      throw new UserError(
        'TOPIC_DELETION_DISABLED',
        `the topic ${topic} cannot be deleted: the brokers have delete.topic.enable=false`,
      );
    throw error;
  }
}

/** The controller answers before the brokers know: a processor that started now could still see a deleted topic. */
async function topicsGone(admin: kafkajs.Admin, topics: readonly string[]): Promise<void> {
  const deadline = performance.now() + TOPICS_GONE_TIMEOUT_MS;
  for (;;) {
    const existing = new Set(await admin.listTopics());
    const left = topics.filter((topic) => existing.has(topic));
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new UserError('TOPICS_REMAIN', `the brokers still show ${left.join(', ')}`);
    await sleep(100);
  }
}

async function deleteGroup(admin: kafkajs.Admin, groupId: string): Promise<void> {
  try {
    await admin.deleteGroups([groupId]);
  } catch (error) {
    const [code] = groupErrorCodes(error);
    if (code === NON_EMPTY_GROUP)
      throw new UserError('GROUP_IN_USE', `a processor joined the group ${groupId} meanwhile: stop it`);
    if (code !== GROUP_ID_NOT_FOUND) throw error;
  }
  const left = await committedOffsets(admin, groupId);
  if (left.size > 0)
    throw new UserError(
      'OFFSETS_REMAIN',
      `the group ${groupId} has committed offsets again: ${[...left.keys()].join(', ')}`,
    );
}

function groupErrorCodes(error: unknown): number[] {
  const groups = typeof error === 'object' && error !== null && 'groups' in error ? error.groups : undefined;
  return Array.isArray(groups) ? groups.map((group: { errorCode?: unknown }) => Number(group.errorCode)) : [];
}
