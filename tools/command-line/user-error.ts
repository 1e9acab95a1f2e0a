/**
 * Something the person at the terminal can mend: a missing program, a port in use. Its message is one line that names
 * the thing and the remedy; whoever catches it prints that line alone, without a stack, and exits non-zero.
 */
export class UserError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'UserError';
    this.code = code;
  }
}

export const threeWaysToKafka =
  'To have a Kafka: install Java 17+ and Maven for a local broker, or set KAFKA_BROKERS=host:port to use your ' +
  'own, or run `docker compose up --build`';

/** The `code` of a Node error, such as ENOENT. Not by `instanceof Error`: errors cross realms in tests. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
