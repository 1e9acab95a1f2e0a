import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { errorLine } from '../../processor/logins/runtime-words.ts';
import type { Environment } from '../../processor/logins/environment.ts';
import { type KafkaConnectionConfig, type Logger, StreamsError } from '@tributary/streams';
import { asFatalConnectionError, awayReason, isBrokerAway, messageOf } from '@tributary/streams/operations';
import { errorCode, UserError } from './user-error.ts';

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The tool was asked for something that it does not know; the message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a command reads from and writes to, so that a test can stand in for the terminal. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  /** Somebody can be asked. */
  readonly interactive: boolean;
}

export function processTerminal(): Terminal {
  // `| head` reads no further: nobody is left to tell.
  process.stdout.on('error', (error) => process.exit(errorCode(error) === 'EPIPE' ? 0 : EXIT_FAILED));
  return {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    interactive: process.stdin.isTTY === true && process.stdout.isTTY === true,
  };
}

/** Of a tool, what it logs itself goes to its output; kafkajs' chatter goes nowhere. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Node's own parser, its complaints cut to one sentence. @throws UsageError */
export function parseCommandLine<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
): { values: ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>>['values']; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const { message } = error as { readonly message: string };
    throw new UsageError((message.split(/\. |\n/)[0] as string).replace(/\.$/, ''));
  }
}

/** Without KAFKA_BROKERS: the local broker that `npm start` runs. */
export function connectionOf(environment: Environment): KafkaConnectionConfig {
  return (
    environment.kafka ?? {
      brokers: [`127.0.0.1:${String(environment.localKafkaPort)}`],
      clientId: environment.applicationId,
    }
  );
}

/** Asks on the terminal; only one of `accepted`, in any case, is a yes. Ctrl-C and an end of the input are a no. */
export async function confirm(
  question: string,
  accepted: readonly string[],
  { input, output }: Terminal,
): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    const closed = new Promise<string>((resolve) => {
      lines.once('SIGINT', () => resolve(''));
      lines.once('close', () => resolve(''));
    });
    const answer = await Promise.race([lines.question(question), closed]);
    return accepted.some((word) => word.toLowerCase() === answer.trim().toLowerCase());
  } finally {
    lines.close();
  }
}

/** A failure as the one line that is shown for it. */
export function failureLine(error: unknown, { brokers }: KafkaConnectionConfig): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof StreamsError && error.code !== 'BROKER_AWAY') return errorLine(error);
  const fatal = asFatalConnectionError(error, brokers);
  if (fatal !== undefined) return errorLine(fatal);
  if (isBrokerAway(error) || error instanceof StreamsError)
    return (
      `Kafka at ${brokers.join(',')} does not answer: ${awayReason(brokers, error)}. Start it, or set ` +
      `KAFKA_BROKERS`
    );
  return messageOf(error);
}

/** What a tool was asked for, or the one line about it and the usage on standard error, and exit code 2. */
export function askedOrExit<T>(usage: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n${usage}`);
    return process.exit(EXIT_USAGE);
  }
}

/** Runs a tool's work and exits with the code it answers; what it throws becomes one line on standard error. */
export async function runToExit(
  work: () => Promise<number>,
  terminal: Terminal,
  connection: KafkaConnectionConfig,
): Promise<never> {
  const code = await work().catch((error: unknown) => {
    terminal.errors.write(`${failureLine(error, connection)}\n`);
    return EXIT_FAILED;
  });
  // What was written to a pipe is on its way still, and an exit would cut it off.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  return process.exit(code);
}
