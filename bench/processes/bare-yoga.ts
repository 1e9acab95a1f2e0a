import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

/**
 * A limit: Yoga with nothing behind it. `answer`: what the API said, whose shape and size this one repeats as a
 * constant.
 */
const { port, answer } = JSON.parse(process.argv[2] as string) as { port: number; answer: string };
const { data } = JSON.parse(answer) as { data: { states: { nodes: unknown[]; freshness: unknown } } };

const yoga = createYoga({
  logging: false,
  graphiql: false,
  schema: createSchema({
    typeDefs: `
      scalar JSON
      type Query { states(first: Int): States! }
      type States { nodes: [State!]! freshness: Freshness! }
      type State { code: String! name: String! devices: Devices! }
      type Devices { ios: Float! android: Float! other: Float! total: Float! }
      type Freshness { asOf: JSON complete: Boolean! lag: JSON }
    `,
    resolvers: { Query: { states: () => data.states } },
  }),
});
createServer(yoga as (request: unknown, response: unknown) => void).listen(port, '127.0.0.1', () =>
  process.stdout.write('{"listening":true}\n'),
);
