import { randomInt } from 'node:crypto';
import { environmentOrExit } from '../../processor/logins/environment.ts';
import { createLogger } from '../../processor/logins/logging.ts';
import { wordsOf } from '../../processor/logins/runtime-words.ts';
import { StreamsError } from '@tributary/streams';
import { messageOf } from '@tributary/streams/operations';
import { loginGenerator } from './login-generator.ts';
import { publishLogins, type PublishPlan } from './login-publisher.ts';
import { parseProducerArguments, PRODUCER_USAGE, type ProducerArguments, UsageError } from './producer-arguments.ts';
import { startProgressLine } from './progress-line.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const SEEDS = 2 ** 32;
/** The step of replayed event time, where nothing says how many logins a second there are. */
const REPLAY_RATE_PER_SECOND = 20;

function argumentsOrExit(): ProducerArguments {
  try {
    const parsed = parseProducerArguments(process.argv.slice(2));
    if (!parsed.help) return parsed;
    process.stdout.write(PRODUCER_USAGE);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n${PRODUCER_USAGE}`);
    return process.exit(EXIT_USAGE);
  }
}

/** Event time of the nth login: the moment it is made, or, in a replay, evenly spaced from the time asked for. */
function eventTimes(asked: ProducerArguments, producerRate: number): (nth: number) => number {
  const { fromMs, toMs, count, speed } = asked;
  if (fromMs === null) return () => Date.now();
  const ratePerSecond = asked.ratePerSecond ?? (producerRate > 0 ? producerRate : REPLAY_RATE_PER_SECOND);
  const stepMs = toMs !== null && count !== null ? (toMs - fromMs) / count : (1000 / ratePerSecond) * speed;
  return (nth) => fromMs + nth * stepMs;
}

const asked = argumentsOrExit();
const environment = environmentOrExit();
const log = createLogger('producer', environment.log);
const { inputTopic: topic, producerRate } = environment;
const ratePerSecond = asked.ratePerSecond ?? (asked.count === null ? producerRate : null);
if (ratePerSecond === 0) {
  log.info('PRODUCER_RATE is 0: no synthetic logins');
  process.exit(0);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

const seed = asked.seed ?? randomInt(SEEDS);
const kafka = environment.kafka ?? {
  brokers: [`127.0.0.1:${environment.localKafkaPort}`],
  clientId: environment.applicationId,
};
const plan: PublishPlan = {
  topic,
  generate: loginGenerator({ seed, dirtyShare: asked.dirtyShare }),
  eventTimeMs: eventTimes(asked, producerRate),
  count: asked.count,
  ratePerSecond,
};
log.info(
  { topic, seed, dirtyShare: asked.dirtyShare, count: asked.count, ratePerSecond },
  `publishing logins to ${topic}`,
);

const progress = startProgressLine(process.stderr);
const startedMs = performance.now();
try {
  const published = await publishLogins(plan, {
    kafka,
    log,
    signal: stop.signal,
    onProgress: (count) => progress.update(count),
  });
  progress.end();
  const seconds = (performance.now() - startedMs) / 1000;
  log.info({ topic, published, seconds: Math.round(seconds * 10) / 10 }, `published ${published} logins`);
  process.exit(0);
} catch (error) {
  progress.end();
  log.error({ topic }, error instanceof StreamsError ? wordsOf(error) : messageOf(error));
  process.exit(EXIT_FAILED);
}
