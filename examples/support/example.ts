import { parseArgs } from 'node:util';
import type { KafkaConnectionConfig, KafkaStreams, Logger } from '@tributary/streams';

/** What every example begins with: the brokers of KAFKA_BROKERS, or the local one that `npm start` runs. */
export function connectionFor(clientId: string): KafkaConnectionConfig {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',').map((broker) => broker.trim());
  return { brokers, clientId };
}

/** `--name value` flags with their defaults. */
export function flags<const F extends Readonly<Record<string, string>>>(
  defaults: F,
): { readonly [K in keyof F]: string } {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, fallback]) => [name, { type: 'string' as const, default: fallback }]),
  );
  return parseArgs({ options }).values as { [K in keyof F]: string };
}

/** Warnings and errors on standard error: standard output is the example's. Any pino logger would do as well. */
export const quietLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => console.error('warning:', message, JSON.stringify(fields)),
  error: (fields, message) => console.error('error:', message, JSON.stringify(fields)),
};

/**
 * Starts an application and ends the process with it: on Ctrl-C after a last commit, on an error that nobody but a
 * person can mend with its code and message, exit code 1. `onEnd` runs first, in both cases.
 */
export async function runUntilStopped(streams: KafkaStreams, onEnd: () => Promise<void>): Promise<void> {
  let ending = false;
  const end = async (code: number): Promise<void> => {
    if (ending) return;
    ending = true;
    await onEnd();
    await streams.close();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
  streams.onState((next) => {
    if (next !== 'ERROR') return;
    console.error(`${streams.failure?.code ?? ''}: ${streams.failure?.message ?? ''}`);
    void end(1);
  });
  // What start() throws it has told the listener before.
  await streams.start().catch(() => undefined);
}
