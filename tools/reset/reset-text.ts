import type { ResetPlan } from './reset-plan.ts';

const number = (value: number): string => value.toLocaleString('en-US');

/** The plan for a person: what goes, and what stays. */
export function describePlan(plan: ResetPlan, brokers: readonly string[]): string {
  const { applicationId, group, topics, localState, foreignTopics, input, deadLetters, redriven } = plan;
  const lines = [`Starting ${applicationId} over, on ${brokers.join(',')}`, '', 'This is deleted:'];
  const offsets = [...group.offsets].map(([name, offset]) => `${name} at ${String(offset)}`);
  lines.push(
    `  the group ${applicationId} with its committed offsets: ` +
      `${group.exists ? offsets.join(', ') || 'none' : 'there is no such group'}`,
  );
  lines.push(
    topics.length === 0 ? '  internal topics: there are none' : '  internal topics:',
    ...topics.map((topic) => `    ${topic}`),
  );
  const slots = localState.slots.filter(({ contents }) => contents.length > 0);
  lines.push(
    `  local state in ${localState.root}${slots.length === 0 ? ': there is none' : ':'}`,
    ...slots.map(({ path, contents }) => `    ${path}: ${contents.join(', ')}`),
  );

  lines.push('', 'This stays:');
  lines.push(
    input.records === null
      ? `  ${input.topic}: it does not exist; the next start creates it`
      : `  ${input.topic}: the next start counts it again from the beginning (${number(input.records)} offsets)`,
  );
  if (deadLetters.records !== null)
    lines.push(`  ${deadLetters.topic}: what still cannot be read is written to it once more, with the same origin`);
  if (redriven)
    lines.push(
      `  dead letters were redriven from ${deadLetters.topic} into ${input.topic}: their originals are read ` +
        `again, and so are their copies. What can be read by now counts twice`,
    );
  for (const topic of foreignTopics)
    lines.push(
      `  ${topic}: it is named like an internal topic of ${applicationId}, but this version makes no such topic`,
    );
  lines.push('  API instances keep what they have read: stop them first, or start them anew');
  lines.push(
    `  stores on other machines: delete ${applicationId} below their STATE_DIR before a processor starts there`,
  );
  return `${lines.join('\n')}\n`;
}
