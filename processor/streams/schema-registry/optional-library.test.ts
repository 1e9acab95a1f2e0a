import { expect, test } from '@jest/globals';
import { optionalLibrary } from './optional-library.ts';

test('a library that is not installed is named, with what to install', () => {
  expect(() => optionalLibrary('no-such-library/dist/2020.js', 'aSerde', '8')).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: 'aSerde needs the library no-such-library, which cannot be loaded: npm install no-such-library@8',
    }),
  );
  expect(optionalLibrary('avsc', 'avroSerde', '5')).toHaveProperty('Type');
});
