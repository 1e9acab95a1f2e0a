import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
} from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';

import { WorkQueue } from '../limits/work-queue.ts';
import { apiError } from './api-error.ts';
import { clientError, withoutSuggestion } from './client-errors.ts';
import { tooManyStreams } from '../limits/event-stream-limit.ts';
import { ContextFields } from './context-fields.ts';
import { expiringSubscriptions } from './expiring-subscriptions.ts';
import type { OperationLog } from '../operations/operation-log.ts';
import { type DocumentReference, type PersistedDocuments, persistedText } from './persisted-documents.ts';
import { type CostTable, operationCost } from '../limits/operation-cost.ts';
import { withoutRepeatedFields } from '../limits/repeated-fields.ts';
import {
  costLimitError,
  fewErrors,
  MAX_ERRORS,
  repeatsLimitError,
  shapeLimitError,
  tokenLimitError,
  validationLimitError,
  variablesLimitError,
} from '../limits/request-limits.ts';
import { sharedExecution } from './shared-execution.ts';

export const GRAPHQL_PATH = '/graphql';

interface GraphqlEngineOptions {
  readonly schema: GraphQLSchema;
  /** False closes introspection and keeps the schema's names out of error messages. */
  readonly explorable: boolean;
  readonly log: OperationLog;
  readonly costs: CostTable;
  readonly documents: PersistedDocuments;
  /** False: no further event stream may be opened. */
  readonly mayStream: () => boolean;
  /** Fields, as `Type.field`, whose resolvers ask who the client is; under a subscription, too. */
  readonly contextFields?: ReadonlySet<string> | undefined;
}

/** What a transport adds to the context of an operation. */
type TransportContext = Readonly<Record<string | symbol, unknown>>;
export type GraphqlEngine = YogaServerInstance<TransportContext, Record<never, never>>;

/**
 * GraphQL over HTTP and SSE, and, through `getEnveloped`, the same parsing, limits, validation and masking for
 * WebSockets. Whatever has to hold for every transport is a plugin here, and never a hook of one transport.
 */
export function createGraphqlEngine({
  schema,
  explorable,
  log,
  costs,
  documents,
  mayStream,
  contextFields = new Set(),
}: GraphqlEngineOptions): GraphqlEngine {
  const queue = new WorkQueue();
  return createYoga<TransportContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    // Origins, GraphiQL and health are served before a request gets here. The blank matches no path.
    cors: false,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: ' ',
    multipart: false,
    batching: false,
    // A body gets here as text that was read within its limit; to count it again costs a stream for each request.
    maxRequestBodySize: false,
    parserAndValidationCache: {
      documentCache: new DocumentCache<DocumentNode>(),
      errorCache: new DocumentCache<unknown>(),
    },
    logging: false,
    maskedErrors: { maskError: errorMask({ explorable, log }) },
    extraParamNames: ['documentId'],
    plugins: [
      named(documents),
      limits(),
      explorable ? null : closedSchema(),
      validationErrors(log),
      log.plugin(),
      bounded(costs, queue),
      sharedExecution(queue, new ContextFields(schema, contextFields)),
      expiringSubscriptions(),
      streams(mayStream),
      unaccepted(log),
    ].filter((plugin) => plugin !== null),
  });
}

/** Makes of any error what a client may see, and counts and logs it. */
export function errorMask({
  explorable,
  log,
}: Pick<GraphqlEngineOptions, 'explorable' | 'log'>): (error: unknown) => GraphQLError {
  return (error) => {
    const shown = explorable ? clientError(error) : withoutSuggestion(clientError(error));
    log.errors([shown]);
    return shown;
  };
}

/** Looks up the documents that HTTP requests name; the WebSocket server looks up its own. */
function named(documents: PersistedDocuments): Plugin {
  return {
    onParams({ params, setParams }) {
      const query = persistedText(documents, params as DocumentReference);
      // An empty name counts as no name.
      const operationName = params.operationName === '' ? undefined : params.operationName;
      if (query === null && operationName === params.operationName) return;
      const { operationName: _given, ...rest } = params;
      setParams({
        ...rest,
        ...(query === null ? {} : { query }),
        ...(operationName === undefined ? {} : { operationName }),
      });
    },
  };
}

/**
 * Ends a subscription whose client accepts no event stream, or that is one stream too many. It can be refused only
 * after it began, because only here it is known whether the response is a stream: a client that accepts anything gets
 * one without naming it.
 */
function streams(mayStream: () => boolean): Plugin {
  return {
    onResponse({ response }) {
      // Makes proxies that buffer a response pass this one on as it comes.
      if (response.headers.get('content-type')?.startsWith('text/event-stream') === true)
        response.headers.set('x-accel-buffering', 'no');
    },
    async onResultProcess({ result, resultProcessor, setResult }) {
      if (!(Symbol.asyncIterator in result)) return;
      const taken = resultProcessor !== undefined;
      if (taken && mayStream()) return;
      await result[Symbol.asyncIterator]().return?.();
      if (taken) setResult({ errors: [tooManyStreams()] });
    },
  };
}

/** A response that nothing in the request's Accept header can carry says so: Yoga sends its 406 without a body. */
function unaccepted(log: OperationLog): Plugin {
  return {
    onResponse({ response, setResponse, fetchAPI }) {
      if (response.status !== 406) return;
      const error = apiError(
        'BAD_USER_INPUT',
        'The Accept header names nothing that this is sent as: a query is sent as application/json or ' +
          'application/graphql-response+json, a subscription as text/event-stream, or over a WebSocket with ' +
          'graphql-transport-ws.',
      );
      log.errors([error]);
      const headers = new fetchAPI.Headers(response.headers);
      headers.set('content-type', 'application/json; charset=utf-8');
      headers.set('cache-control', 'no-store');
      setResponse(new fetchAPI.Response(JSON.stringify({ errors: [error] }), { status: 406, headers }));
    },
  };
}

/** Limits that hold before parsing and before validation, both of which a document can make very expensive. */
function limits(): Plugin {
  return {
    onParse({ params }) {
      const error = tokenLimitError(params.source.toString());
      if (error !== null) throw error;
      return ({ result, replaceParseResult }) => {
        if (!isDocument(result)) return;
        const { document, repeats } = withoutRepeatedFields(result);
        const tooMany = repeatsLimitError(repeats);
        if (tooMany !== null) throw tooMany;
        replaceParseResult(document);
      };
    },
    onValidate({ params, setResult }) {
      const error = shapeLimitError(params.documentAST);
      if (error !== null) setResult([error]);
    },
    onExecute: () => ({
      onExecuteDone({ result, setResult }) {
        // Where there is data, each null in it has an error of its own: all are sent.
        if (!('errors' in result) || result.data != null || (result.errors?.length ?? 0) <= MAX_ERRORS) return;
        setResult({ ...result, errors: fewErrors(result.errors ?? []) });
      },
    }),
  };
}

/** Refuses an operation whose result would be too large, and executes the others in the order of the queue. */
function bounded(costs: CostTable, queue: WorkQueue): Plugin {
  const costOf = (args: ExecutionArgs): number => {
    const tooDeep = variablesLimitError(args);
    if (tooDeep !== null) throw tooDeep;
    const cost = operationCost(args, costs);
    const error = costLimitError(cost);
    if (error !== null) throw error;
    return cost;
  };
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const cost = costOf(args);
      setExecuteFn((given: ExecutionArgs) => queue.run(cost, () => executeFn(given)));
    },
    onSubscribe({ args }) {
      costOf(args);
    },
  };
}

function isDocument(result: unknown): result is DocumentNode {
  return typeof result === 'object' && result !== null && 'kind' in result && result.kind === Kind.DOCUMENT;
}

function closedSchema(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      return ({ valid, result, setResult }) => {
        if (!valid)
          setResult(result.map((error) => (error instanceof GraphQLError ? withoutSuggestion(error) : error)));
      };
    },
  };
}

/** Prepares errors of validation, which are sent without a call of `maskError`. */
function validationErrors(log: OperationLog): Plugin {
  return {
    onValidate() {
      return ({ valid, result, setResult }) => {
        if (valid) return;
        const errors = result.some((error) => error.message === 'Validation aborted.')
          ? [validationLimitError()]
          : fewErrors(result.filter((error) => error instanceof GraphQLError));
        for (const error of errors) error.extensions['code'] ??= 'GRAPHQL_VALIDATION_FAILED';
        log.errors(errors);
        setResult(errors);
      };
    },
  };
}

/** Parsed documents by their text: few and short ones only, so that no client can fill the memory with them. */
class DocumentCache<T> {
  readonly #entries = new Map<string, T>();

  get(text: string): T | undefined {
    return this.#entries.get(text);
  }

  set(text: string, value: T): void {
    if (text.length > 10_000) return;
    if (this.#entries.size >= 200) this.#entries.delete(this.#entries.keys().next().value ?? '');
    this.#entries.set(text, value);
  }
}
