import type { GraphQLError } from 'graphql';
import { forbidden } from './api-error.ts';

/** So many nulls of fields that a viewer may not see have an error of their own, in one result. */
const MOST_TOLD = 100;

interface Told {
  count: number;
  readonly errors: Map<string, GraphQLError>;
}

const told = new WeakMap<object, Told>();

/**
 * What a field is that the viewer may not see, in a result that may have thousands of them: an error costs ten times
 * what a value does, and says the same each time. Where a field can be null, only the first hundred are errors.
 * `execution`: an object that each execution has of its own.
 * @throws GraphQLError FORBIDDEN
 */
export function forbiddenValue(name: string, nullable: boolean, execution: object): null {
  const known = told.get(execution) ?? { count: 0, errors: new Map<string, GraphQLError>() };
  told.set(execution, known);
  known.count += 1;
  if (nullable && known.count > MOST_TOLD) return null;
  const error = known.errors.get(name) ?? forbidden(name);
  known.errors.set(name, error);
  throw error;
}
