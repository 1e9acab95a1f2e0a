import { readFileSync } from 'node:fs';
import type { GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';

import {
  type ApplicationDescription,
  countScalar,
  cursorScalar,
  dateTimeScalar,
  type OnSubscription,
  UNOBSERVED,
} from '@tributary/graphql';
import type { Resolvers } from '../generated/resolver-types.ts';
import type { LoginModel } from '../rows/login-model.ts';
import { queryResolvers } from './query.ts';
import { subscriptionResolvers } from './subscription.ts';

export function readTypeDefinitions(): string {
  return readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
}

/** What answers over `model`. Results are whole objects, so most fields need no resolver. */
export function loginResolvers(
  model: LoginModel,
  application: ApplicationDescription,
  onSubscription: OnSubscription,
): Resolvers {
  return {
    DateTime: dateTimeScalar,
    Count: countScalar,
    Cursor: cursorScalar,
    // The only type with a global id.
    Node: { __resolveType: () => 'State' },
    Query: queryResolvers(model, application),
    Subscription: subscriptionResolvers(model, application, onSubscription),
  };
}

/** The schema with its resolvers, without a server. */
export function createApiSchema(
  model: LoginModel,
  application: ApplicationDescription,
  onSubscription: OnSubscription = () => UNOBSERVED,
): GraphQLSchema {
  return createSchema({
    typeDefs: readTypeDefinitions(),
    resolvers: loginResolvers(model, application, onSubscription),
  });
}
