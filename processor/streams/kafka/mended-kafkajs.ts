import { StreamsError } from '../errors.ts';

/**
 * Refuses kafkajs as it is published: it hands out records of aborted transactions, and resets offsets in silence
 * (docs/kafkajs.md). The mended one travels inside the package; what bundles or replaces modules may bring the other.
 * @throws StreamsError KAFKAJS_NOT_MENDED
 */
export function requireMendedKafkajs(kafkajs: object): void {
  if (Reflect.get(kafkajs, 'MENDED_BY') === '@tributary/streams') return;
  throw new StreamsError(
    'KAFKAJS_NOT_MENDED',
    'kafkajs is loaded as it is published, without the mends that exactly-once needs: @tributary/streams ' +
      'brings a mended ' +
      'copy of its own; let no bundler or override replace it, and in a clone run npm ci',
  );
}
