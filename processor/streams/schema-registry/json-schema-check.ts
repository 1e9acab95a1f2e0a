import type { Ajv } from 'ajv';
import { messageOf } from '../errors.ts';
import { optionalLibrary } from './optional-library.ts';
import { referencedSchemas } from './referenced-schemas.ts';
import type { RegistryClient, SchemaText } from './registry-client.ts';

type AjvModule = { readonly Ajv?: typeof Ajv; readonly default: typeof Ajv };

/** The build of ajv for a draft, by what `$schema` names; draft-07 without it, as Confluent's registry takes it. */
function moduleFor(text: string): string {
  const { $schema } = JSON.parse(text) as { readonly $schema?: unknown };
  if (typeof $schema !== 'string') return 'ajv';
  if ($schema.includes('2020-12')) return 'ajv/dist/2020.js';
  return $schema.includes('2019-09') ? 'ajv/dist/2019.js' : 'ajv';
}

/**
 * A function that throws a TypeError for a value that does not fit, naming the part and not the content.
 * @throws StreamsError CONFIG_INVALID without ajv; TypeError for a schema that ajv does not take.
 */
export function jsonSchemaCheck(client: RegistryClient, schema: SchemaText): (value: unknown) => void {
  const library = optionalLibrary(moduleFor(schema.text), 'jsonSchemaSerde that validates', '8') as AjvModule;
  // Formats and words that it does not know are notes, as in the specification.
  const ajv = new library.default({ strict: false, validateFormats: false, allErrors: true, logger: false });
  try {
    for (const { name, text } of referencedSchemas(client, schema)) ajv.addSchema(JSON.parse(text) as object, name);
    const fits = ajv.compile(withoutUnknownDraft(JSON.parse(schema.text) as object));
    return (value) => {
      if (fits(value)) return;
      const wrong = (fits.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`.trim());
      throw new TypeError(`the value does not fit its schema: ${wrong.join('; ')}`);
    };
  } catch (error) {
    if (error instanceof Error && (error.name === 'StreamsError' || error.name === 'UnknownSchemaError')) throw error;
    throw new TypeError(`the schema cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** ajv refuses a draft that it has no description of: what is left is read as draft-07. */
function withoutUnknownDraft(schema: object): object {
  const { $schema, ...rest } = schema as { readonly $schema?: unknown };
  return typeof $schema === 'string' && /draft-07|2019-09|2020-12/.test($schema) ? schema : rest;
}
