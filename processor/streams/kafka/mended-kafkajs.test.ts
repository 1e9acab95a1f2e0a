import { expect, test } from '@jest/globals';
import kafkajs from '#kafkajs';
import { requireMendedKafkajs } from './mended-kafkajs.ts';

test('the kafkajs that is installed here is the mended one', () => {
  expect(() => requireMendedKafkajs(kafkajs)).not.toThrow();
});

test('kafkajs as it is published is refused, by a code', () => {
  const { MENDED_BY: _, ...published } = kafkajs as typeof kafkajs & { readonly MENDED_BY: string };
  expect(() => requireMendedKafkajs(published)).toThrow(
    expect.objectContaining({ code: 'KAFKAJS_NOT_MENDED', reaction: 'exit' }),
  );
});
