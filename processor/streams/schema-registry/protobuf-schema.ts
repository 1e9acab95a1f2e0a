import type protobuf from 'protobufjs';
import { messageOf } from '../errors.ts';
import { optionalLibrary } from './optional-library.ts';
import { protobufText } from './protobuf-descriptor.ts';
import { referencedSchemas } from './referenced-schemas.ts';
import type { RegistryClient, SchemaText } from './registry-client.ts';
import type { MessageIndexes } from './wire-format.ts';

export type ProtobufLibrary = typeof protobuf;

/** Files that Confluent's registry brings itself, beside Google's own. */
const BUILT_IN: Readonly<Record<string, string>> = {
  // Options that say something of a schema, and nothing of its bytes.
  'confluent/meta.proto': 'syntax = "proto3"; package confluent;',
  'confluent/type/decimal.proto':
    'syntax = "proto3"; package confluent.type; ' +
    'message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
};

/** @throws StreamsError CONFIG_INVALID where protobufjs is not installed. */
export function protobufLibrary(): ProtobufLibrary {
  return optionalLibrary('protobufjs', 'protobufSerde', '8') as ProtobufLibrary;
}

/** One file of Protobuf with all that it imports. */
export class ProtobufSchema {
  /** Full names of the file's own messages, by their place, as `0` or `1.0`. */
  readonly #places = new Map<string, string>();
  readonly #root: protobuf.Root;

  /** @throws TypeError for what is no such file; and as the client does, for files that it imports. */
  constructor(library: ProtobufLibrary, client: RegistryClient, schema: Pick<SchemaText, 'text' | 'references'>) {
    const files = new Map(referencedSchemas(client, schema).map(({ name, text }) => [name, text]));
    this.#root = new library.Root();
    try {
      const imports = this.#parse(library, schema.text);
      // Before others add messages to the same packages.
      this.#number(library, imports.package);
      this.#addImports(library, imports.files, files, new Set());
      this.#root.resolveAll();
    } catch (error) {
      throw new TypeError(`the schema cannot be used: ${messageOf(error)}`, { cause: error });
    }
  }

  /** @throws TypeError where there is none. */
  at(indexes: MessageIndexes): protobuf.Type {
    const name = this.#places.get(indexes.join('.'));
    if (name === undefined) throw new TypeError(`the schema has no message at the place ${indexes.join('.')}`);
    return this.#root.lookupType(name);
  }

  /** By its full name, or by its name in the package of the file. @throws TypeError where there is none. */
  named(name: string): { readonly type: protobuf.Type; readonly indexes: MessageIndexes } {
    const found = [...this.#places].filter(([, full]) => full === name || full.endsWith(`.${name}`));
    const [place, full] = found.find((one) => one[1] === name) ?? found[0] ?? [];
    if (place === undefined || full === undefined)
      throw new TypeError(`the schema has no message "${name}": there is ${[...this.#places.values()].join(', ')}`);
    return { type: this.#root.lookupType(full), indexes: place.split('.').map(Number) };
  }

  get messages(): readonly string[] {
    return [...this.#places.values()];
  }

  #parse(
    library: ProtobufLibrary,
    text: string,
  ): { readonly package: string | undefined; readonly files: readonly string[] } {
    const {
      package: name,
      imports = [],
      weakImports = [],
    } = library.parse(protobufText(text), this.#root, { keepCase: true });
    return { package: name, files: [...imports, ...weakImports] };
  }

  #number(library: ProtobufLibrary, packageName: string | undefined): void {
    const visit = (parent: protobuf.NamespaceBase, place: string): void => {
      const messages = parent.nestedArray.filter((one) => one instanceof library.Type);
      for (const [index, message] of messages.entries()) {
        const at = `${place}${String(index)}`;
        this.#places.set(at, message.fullName.slice(1));
        visit(message, `${at}.`);
      }
    };
    const top = packageName === undefined ? this.#root : this.#root.lookup(packageName);
    if (top instanceof library.Namespace) visit(top, '');
  }

  #addImports(
    library: ProtobufLibrary,
    names: readonly string[],
    files: ReadonlyMap<string, string>,
    added: Set<string>,
  ): void {
    for (const name of names) {
      if (added.has(name)) continue;
      added.add(name);
      const text = files.get(name) ?? BUILT_IN[name];
      const known = text === undefined ? library.common.get(name) : null;
      if (text !== undefined) this.#addImports(library, this.#parse(library, text).files, files, added);
      else if (known?.nested !== undefined) this.#root.addJSON(known.nested);
      else throw new TypeError(`it imports "${name}", which is not among its references`);
    }
  }
}
