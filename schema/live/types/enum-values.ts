import { enumValueProblem, quoted } from './graphql-names.ts';

/** The values of an enum or a literal, or why GraphQL cannot have them, as the end of a sentence. */
export function enumValues(
  values: readonly unknown[],
): { readonly values: readonly string[] } | { readonly problem: string } {
  if (values.length === 0) return { problem: 'is an enum without a value' };
  const texts = new Set<string>();
  for (const value of values) {
    if (typeof value !== 'string')
      return {
        problem:
          `has the value ${String(value)}, a literal of ${value === null ? 'null' : typeof value}, ` +
          'and in GraphQL only text is an enum: use the type of the value, with .refine()',
      };
    const problem = enumValueProblem(value);
    if (problem !== undefined)
      return { problem: `has the enum value ${quoted(value)}, which ${problem}: use z.string(), with .refine()` };
    texts.add(value);
  }
  return { values: [...texts] };
}
