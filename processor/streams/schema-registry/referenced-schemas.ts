import type { RegistryClient, SchemaReference, SchemaText } from './registry-client.ts';

export interface ReferencedSchema {
  /** As the schema that names it does. */
  readonly name: string;
  readonly text: string;
}

/** All that a schema names, and what that names: each once, before what names it. @throws as the client does. */
export function referencedSchemas(
  client: RegistryClient,
  { references }: Pick<SchemaText, 'references'>,
): ReferencedSchema[] {
  const found = new Map<string, ReferencedSchema>();
  const seen = new Set<string>();
  const follow = (list: readonly SchemaReference[]): void => {
    for (const { name, subject, version } of list) {
      if (seen.has(name)) continue;
      seen.add(name);
      const { text, references: further } = client.version(subject, version);
      follow(further);
      found.set(name, { name, text });
    }
  };
  follow(references);
  return [...found.values()];
}
