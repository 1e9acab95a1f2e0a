import { StreamsError } from '../errors.ts';
import type { HttpAnswer, HttpQuestion, RegistryTransport } from './registry-transport.ts';

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

/** Another schema that one names: an Avro type, a file of Protobuf, a `$ref` of JSON Schema. */
export interface SchemaReference {
  /** As the schema names it. */
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as a registry keeps it. */
export interface SchemaText {
  readonly type: SchemaType;
  readonly text: string;
  readonly references: readonly SchemaReference[];
}

export interface RegisteredSchema extends SchemaText {
  readonly id: number;
}

/** An id, a subject or a version that the registry does not have. */
export class UnknownSchemaError extends Error {
  override readonly name = 'UnknownSchemaError';
}

/** A record of an unknown id is a dead letter; a topic full of them must not ask for each one. */
const UNKNOWN_KEPT_MS = 10_000;
const MOST_UNKNOWN = 1_000;
/** Of the registry's codes: the subject, the version or the schema is not there. */
const NOT_FOUND = [40401, 40402, 40403];

/** What is asked of a registry, each thing once. All of it waits for the answer. */
export class RegistryClient {
  readonly #transport: RegistryTransport;
  readonly #byId = new Map<number, RegisteredSchema>();
  readonly #unknown = new Map<number, { readonly error: UnknownSchemaError; readonly atMs: number }>();
  readonly #byVersion = new Map<string, RegisteredSchema>();

  constructor(transport: RegistryTransport) {
    this.#transport = transport;
  }

  /** Of the registry, for people. */
  get name(): string {
    return this.#transport.name;
  }

  /** @throws UnknownSchemaError; StreamsError SCHEMA_REGISTRY_AWAY, SCHEMA_REGISTRY_REFUSED */
  schema(id: number): RegisteredSchema {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const unknown = this.#unknown.get(id);
    if (unknown !== undefined && performance.now() - unknown.atMs < UNKNOWN_KEPT_MS) throw unknown.error;
    try {
      const found = schemaIn({
        ...this.#ask(`the schema ${String(id)}`, { method: 'GET', path: `/schemas/ids/${String(id)}` }),
        id,
      });
      this.#byId.set(id, found);
      return found;
    } catch (error) {
      if (error instanceof UnknownSchemaError) {
        if (this.#unknown.size >= MOST_UNKNOWN) this.#unknown.clear();
        this.#unknown.set(id, { error, atMs: performance.now() });
      }
      throw error;
    }
  }

  /** @throws UnknownSchemaError; StreamsError SCHEMA_REGISTRY_AWAY, SCHEMA_REGISTRY_REFUSED */
  version(subject: string, version: number | 'latest'): RegisteredSchema {
    const name = `${subject} ${String(version)}`;
    const known = this.#byVersion.get(name);
    if (known !== undefined) return known;
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${String(version)}`;
    const found = schemaIn(
      this.#ask(`version ${String(version)} of the subject "${subject}"`, { method: 'GET', path }),
    );
    this.#byVersion.set(name, found);
    return found;
  }

  /**
   * Registers the schema under the subject, unless it is there. Returns its id.
   * @throws StreamsError SCHEMA_REGISTRY_REFUSED, also for a schema that is not compatible, in the registry's words.
   */
  register(subject: string, schema: SchemaText): number {
    return this.#idOf(`registering a schema under the subject "${subject}"`, {
      method: 'POST',
      path: `/subjects/${encodeURIComponent(subject)}/versions`,
      body: bodyOf(schema),
    });
  }

  /** The id of a schema that is registered under the subject. @throws UnknownSchemaError, and as `register`. */
  find(subject: string, schema: SchemaText): number {
    return this.#idOf(`the schema in the subject "${subject}"`, {
      method: 'POST',
      path: `/subjects/${encodeURIComponent(subject)}`,
      body: bodyOf(schema),
    });
  }

  #idOf(what: string, question: HttpQuestion): number {
    const { id } = this.#ask(what, question);
    if (typeof id !== 'number') throw this.#refused(what, 'it answered without an id: is it a schema registry?');
    return id;
  }

  #ask(what: string, question: HttpQuestion): Answer {
    const { status, body } = this.#transport.ask(question);
    const answer = parsed(body);
    if (status >= 200 && status < 300 && answer !== undefined) return answer;
    if (answer !== undefined && NOT_FOUND.includes(answer.error_code ?? 0))
      throw new UnknownSchemaError(
        `the schema registry at ${this.name} does not know ${what}: ` +
          `${answer.message ?? ''} (${String(answer.error_code)})`,
      );
    throw this.#refused(what, reasonOf({ status, body }, answer));
  }

  #refused(what: string, why: string): StreamsError {
    return new StreamsError('SCHEMA_REGISTRY_REFUSED', `the schema registry at ${this.name} refused ${what}: ${why}`);
  }
}

/** What a registry answers, as far as it is used. */
interface Answer {
  readonly id?: unknown;
  readonly schema?: unknown;
  readonly schemaType?: unknown;
  readonly references?: readonly SchemaReference[] | null;
  readonly error_code?: number;
  readonly message?: string;
  readonly details?: readonly unknown[];
}

function parsed(body: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

function bodyOf({ type, text, references }: SchemaText): string {
  return JSON.stringify({
    schema: text,
    // A registry that knows Avro alone does not know the field.
    ...(type === 'AVRO' ? {} : { schemaType: type }),
    ...(references.length === 0 ? {} : { references }),
  });
}

function schemaIn({ id, schema, schemaType = 'AVRO', references }: Answer): RegisteredSchema {
  if (typeof schema !== 'string' || typeof id !== 'number')
    throw new StreamsError('SCHEMA_REGISTRY_REFUSED', 'a schema registry answered without a schema: is it one?');
  return { id, type: schemaType as SchemaType, text: schema, references: references ?? [] };
}

/** In the registry's words where it has some. */
function reasonOf({ status, body }: HttpAnswer, answer: Answer | undefined): string {
  const http = `HTTP ${String(status)}`;
  if (status === 401 || status === 403)
    return `${http}: give schemaRegistry the username and password (or the headers) that it wants`;
  if (answer?.message === undefined) return `${http}, which is no answer of a schema registry: ${body.slice(0, 200)}`;
  const details =
    answer.details === undefined || answer.details.length === 0 ? '' : ` ${JSON.stringify(answer.details)}`;
  return `${answer.message}${details} (${String(answer.error_code ?? http)})`;
}
