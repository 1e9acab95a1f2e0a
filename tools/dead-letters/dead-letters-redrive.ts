import type { Environment } from '../../processor/logins/environment.ts';
import { wordsOf } from '../../processor/logins/runtime-words.ts';
import { StreamsError } from '@tributary/streams';
import { createKafka, type KafkaCluster } from '@tributary/streams/operations';
import {
  confirm,
  connectionOf,
  EXIT_FAILED,
  EXIT_USAGE,
  silentLogger,
  type Terminal,
} from '../command-line/command-line.ts';
import type { DeadLettersArguments, Selection } from './dead-letters-arguments.ts';
import { isChosen, markersIfAny, withCluster } from './dead-letters-read.ts';
import { RedriveProducer } from './dead-letters-producer.ts';
import { originText } from './dead-letters-text.ts';
import { deadLetterOf, markerKey, redrivenTopic, scanTopic, wholeLetter } from './dead-letters-topic.ts';
import { UserError } from '../command-line/user-error.ts';

type Asked = Extract<DeadLettersArguments, { readonly command: 'redrive' }>;

/** What a redrive would do, as of a first look. */
interface RedrivePlan {
  readonly pending: number;
  readonly redrivenBefore: number;
  /** Of another topic than the input, or of nobody knows which: never sent. */
  readonly foreign: readonly string[];
  /** Of the dead-letter topic: what comes later was not asked for. */
  readonly ends: readonly number[];
}

/**
 * Shows what a redrive sends, asks, and sends chosen dead letters to the input topic again, with their key, bytes and
 * headers, each at most once ever. Answers the exit code.
 * @throws UserError, StreamsError, and what kafkajs throws
 */
export function redriveDeadLetters(asked: Asked, environment: Environment, terminal: Terminal): Promise<number> {
  const { inputTopic, deadLetterTopic } = environment;
  const { output, errors } = terminal;
  return withCluster(environment, 'redrive', async (cluster) => {
    const plan = await planRedrive(cluster, asked.selection, environment);
    if (plan.foreign.length > 0)
      output.write(
        `${String(plan.foreign.length)} are not of ${inputTopic} and are left alone: ` +
          `${plan.foreign.slice(0, 5).join(', ')}${plan.foreign.length > 5 ? ', …' : ''}\n`,
      );
    if (plan.redrivenBefore > 0)
      output.write(`${String(plan.redrivenBefore)} were redriven before and are not sent again\n`);
    if (plan.pending === 0) {
      output.write('Nothing to redrive\n');
      return 0;
    }
    const what = `${String(plan.pending)} dead letters of ${deadLetterTopic} to ${inputTopic}`;
    if (asked.dryRun) {
      output.write(`This would send ${what}; nothing was sent (--dry-run)\n`);
      return 0;
    }
    if (!asked.yes) {
      if (!terminal.interactive) {
        errors.write(`Nothing was sent: there is no terminal to ask on; give --yes to send ${what}\n`);
        return EXIT_USAGE;
      }
      if (!(await confirm(`Send ${what}? Type y: `, ['y', 'yes'], terminal))) {
        output.write('Nothing was sent\n');
        return EXIT_FAILED;
      }
    }
    await createMarkerTopic(environment);
    return sendChosen(cluster, asked.selection, plan.ends, environment, terminal);
  });
}

async function planRedrive(
  cluster: KafkaCluster,
  selection: Selection,
  { inputTopic, deadLetterTopic }: Environment,
): Promise<RedrivePlan> {
  const markers = await markersIfAny(cluster, deadLetterTopic);
  const missing = new Set(selection.ids);
  const foreign: string[] = [];
  let pending = 0;
  let redrivenBefore = 0;
  const ends = await scanTopic(cluster, deadLetterTopic, (record) => {
    const letter = deadLetterOf(record);
    if (!isChosen(letter, selection)) return;
    missing.delete(letter.id);
    if (letter.origin?.topic !== inputTopic) foreign.push(`${letter.id} (${originText(letter)})`);
    else if (markers.has(markerKey(letter))) redrivenBefore += 1;
    else pending += 1;
  });
  if (missing.size > 0)
    throw new UserError(
      'NO_SUCH_DEAD_LETTER',
      `${deadLetterTopic} has no dead letter ${[...missing].join(', ')}; nothing was sent`,
    );
  if (selection.ids.length > 0 && foreign.length > 0)
    throw new UserError('FOREIGN_DEAD_LETTER', `not of ${inputTopic}: ${foreign.join(', ')}; nothing was sent`);
  return { pending, redrivenBefore, foreign, ends };
}

async function createMarkerTopic(environment: Environment): Promise<void> {
  const admin = createKafka(connectionOf(environment), silentLogger).admin();
  await admin.connect();
  try {
    const topic = redrivenTopic(environment.deadLetterTopic);
    if ((await admin.listTopics()).includes(topic)) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          replicationFactor: environment.internalReplicationFactor ?? -1,
          configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
    });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function sendChosen(
  cluster: KafkaCluster,
  selection: Selection,
  ends: readonly number[],
  environment: Environment,
  { output, errors }: Terminal,
): Promise<number> {
  const { inputTopic, deadLetterTopic } = environment;
  const producer = await RedriveProducer.open(environment, cluster);
  const partial: string[] = [];
  try {
    await scanTopic(
      cluster,
      deadLetterTopic,
      async (record) => {
        const letter = deadLetterOf(record);
        if (!isChosen(letter, selection) || letter.origin?.topic !== inputTopic || producer.isRedriven(letter)) return;
        const whole = await wholeLetter(cluster, letter);
        if (whole === undefined) partial.push(letter.id);
        else await producer.add(whole);
      },
      { upTo: ends },
    );
    await producer.flush();
  } catch (error) {
    if (producer.redriven > 0) output.write(`Redriven: ${String(producer.redriven)}\n`);
    throw unfinished(error);
  } finally {
    await producer.close();
  }
  output.write(`Redriven: ${String(producer.redriven)}\n`);
  if (partial.length > 0)
    errors.write(
      `Only the beginning is left, and not sent: ${partial.join(', ')}. The whole was in ${inputTopic}, and is ` +
        `there no more\n`,
    );
  if (producer.tooLarge.length > 0)
    errors.write(
      `Too large for ${inputTopic}, and not sent: ${producer.tooLarge.join(', ')}. Raise its max.message.bytes\n`,
    );
  return partial.length + producer.tooLarge.length === 0 ? 0 : EXIT_FAILED;
}

/** What became of the last transaction, the next redrive finds out. */
function unfinished(error: unknown): unknown {
  if (!(error instanceof StreamsError)) return error;
  if (error.code === 'TASK_FENCED')
    return new UserError(
      'REDRIVE_FENCED',
      'another redrive of these dead letters has begun and goes on in place of this one',
    );
  return new UserError(
    'REDRIVE_UNFINISHED',
    `the redrive is not complete: ${wordsOf(error)}. Run it again: what was sent is remembered`,
  );
}
