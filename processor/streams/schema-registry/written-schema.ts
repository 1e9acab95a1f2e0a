import { StreamsError } from '../errors.ts';
import { textOf } from '../options.ts';
import { UnknownSchemaError, type RegistryClient, type SchemaReference, type SchemaText } from './registry-client.ts';

/** How a subject is named: after the topic, after the record, or after both. */
export type SubjectNameStrategy = 'topic-name' | 'record-name' | 'topic-record-name';
const STRATEGIES: readonly unknown[] = ['topic-name', 'record-name', 'topic-record-name'];

/** What all serdes of a registry take: where the schema of what is written is registered. Reading needs none of it. */
export interface SubjectOptions {
  /** The topic that is written to. */
  readonly topic?: string | undefined;
  /** It serialises keys: the subject of the topic is `<topic>-key`, and not `<topic>-value`. */
  readonly isKey?: boolean | undefined;
  /** `topic-name` by default. */
  readonly subjectNameStrategy?: SubjectNameStrategy | undefined;
  /** The subject itself, in place of a strategy. */
  readonly subject?: string | undefined;
  /** Registers the schema before the first value is written, as Java's serializers do. True by default. */
  readonly autoRegister?: boolean | undefined;
  /** Writes by the newest schema of the subject, whatever it is; nothing is registered. */
  readonly useLatestVersion?: boolean | undefined;
  /** Schemas that this one names, as they are registered. */
  readonly references?: readonly SchemaReference[] | undefined;
}

export const SUBJECT_OPTIONS = [
  'topic',
  'isKey',
  'subjectNameStrategy',
  'subject',
  'autoRegister',
  'useLatestVersion',
  'references',
] as const satisfies readonly (keyof SubjectOptions)[];

/** @throws StreamsError CONFIG_INVALID */
export function checkSubjectOptions(what: string, options: SubjectOptions): void {
  const { topic, subject, subjectNameStrategy: strategy, autoRegister, useLatestVersion, references = [] } = options;
  const refuse = (why: string): never => {
    throw new StreamsError('CONFIG_INVALID', `${what}: ${why}`);
  };
  for (const [name, value] of Object.entries({ topic, subject }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      refuse(`${name} is a name, not ${textOf(value)}`);
  for (const name of ['isKey', 'autoRegister', 'useLatestVersion'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') refuse(`${name} is true or false, not ${textOf(value)}`);
  }
  if (strategy !== undefined && !STRATEGIES.includes(strategy))
    refuse(`subjectNameStrategy is one of ${STRATEGIES.map(textOf).join(', ')}, not ${textOf(strategy)}`);
  if (subject !== undefined && (topic ?? strategy) !== undefined)
    refuse('give either subject, or topic and subjectNameStrategy');
  if (autoRegister === true && useLatestVersion === true)
    refuse('either autoRegister registers a schema, or useLatestVersion takes the one that is there: not both');
  if (!Array.isArray(references))
    refuse(`references is a list of { name, subject, version }, not ${textOf(references)}`);
}

/** @throws StreamsError CONFIG_INVALID where the options do not tell. `record`: its full name, if it has one. */
export function subjectOf(what: string, options: SubjectOptions, record: () => string | undefined): string {
  const { topic, isKey = false, subject, subjectNameStrategy: strategy = 'topic-name' } = options;
  if (subject !== undefined) return subject;
  if (strategy !== 'record-name' && topic === undefined)
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what} cannot write: the strategy "${strategy}" names the subject after the topic. Give topic, or subject`,
    );
  if (strategy === 'topic-name') return `${topic ?? ''}-${isKey ? 'key' : 'value'}`;
  const name = record();
  if (name === undefined)
    throw new StreamsError(
      'CONFIG_INVALID',
      `${what} cannot write: the strategy "${strategy}" names the subject after the record, and the schema has no name`,
    );
  return strategy === 'record-name' ? name : `${topic ?? ''}-${name}`;
}

/**
 * The id of a schema that values are written by, under its subject.
 * @throws StreamsError SCHEMA_REGISTRY_REFUSED where it is not there, or may not be.
 */
export function idToWrite(
  client: RegistryClient,
  subject: string,
  schema: SchemaText,
  { autoRegister = true }: SubjectOptions,
): number {
  if (autoRegister) return client.register(subject, schema);
  return found(() => client.find(subject, schema), 'register it before, or let autoRegister do it');
}

/** The newest schema of a subject. @throws StreamsError SCHEMA_REGISTRY_REFUSED where there is none. */
export function latestToWrite(client: RegistryClient, subject: string): ReturnType<RegistryClient['version']> {
  return found(() => client.version(subject, 'latest'), 'useLatestVersion needs one that is registered before');
}

/** What is to be written has no other way: a schema that is missing is missing for every value. */
function found<T>(ask: () => T, remedy: string): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof UnknownSchemaError)) throw error;
    throw new StreamsError('SCHEMA_REGISTRY_REFUSED', `${error.message}: ${remedy}`, { cause: error });
  }
}
