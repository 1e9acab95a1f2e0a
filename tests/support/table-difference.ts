import { isDeepStrictEqual } from 'node:util';

/** How many rows of a table are wrong, and the first of them; nothing where none is. */
export function tableDifference(
  name: string,
  expected: ReadonlyMap<string, unknown>,
  found: ReadonlyMap<string, unknown>,
): string[] {
  const wrong = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (key) => !isDeepStrictEqual(expected.get(key), found.get(key)),
  );
  const [first] = wrong;
  if (first === undefined) return [];
  return [
    `${name}: ${String(wrong.length)} rows are wrong of ${String(expected.size)}, such as ${first}: ` +
      `${JSON.stringify(found.get(first))} and not ${JSON.stringify(expected.get(first))}`,
  ];
}
