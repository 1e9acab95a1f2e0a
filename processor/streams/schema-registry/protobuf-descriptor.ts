import { optionalLibrary } from './optional-library.ts';

/*
 * Confluent's clients for Python, Go and .NET register a file of Protobuf as a descriptor in base64, and some
 * registries hand it on as it came. It is made into the text that it stands for: all that tells bytes apart, no more.
 */

interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly label: number;
  readonly type: number;
  readonly typeName: string;
  readonly oneofIndex: number;
  readonly proto3Optional?: boolean;
  readonly options?: { readonly packed?: boolean } | null;
}

interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string; readonly number: number }[];
}

interface MessageDescriptor {
  readonly name: string;
  readonly field: readonly FieldDescriptor[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
  readonly oneofDecl: readonly { readonly name: string }[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}

interface FileDescriptor {
  readonly package: string;
  readonly syntax: string;
  readonly dependency: readonly string[];
  readonly messageType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
}

/** By the number of a type; a message and an enum have names of their own. */
const TYPES: readonly (string | undefined)[] = [
  ...[undefined, 'double', 'float', 'int64', 'uint64', 'int32', 'fixed64', 'fixed32', 'bool', 'string'],
  ...[undefined, undefined, 'bytes', 'uint32', undefined, 'sfixed32', 'sfixed64', 'sint32', 'sint64'],
];
const GROUP = 10;
const LABELS = ['', 'optional ', 'required ', 'repeated '];

/** The text of a schema, which may be a descriptor. @throws for base64 that is none. */
export function protobufText(schema: string): string {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(schema)) return schema;
  const { FileDescriptorProto } = optionalLibrary('protobufjs/ext/descriptor.js', 'protobufSerde', '8') as {
    readonly FileDescriptorProto: { decode(bytes: Buffer): FileDescriptor };
  };
  return textOfFile(FileDescriptorProto.decode(Buffer.from(schema, 'base64')));
}

function textOfFile(file: FileDescriptor): string {
  const isProto3 = file.syntax === 'proto3';
  return [
    `syntax = "${isProto3 ? 'proto3' : 'proto2'}";`,
    ...(file.package === '' ? [] : [`package ${file.package};`]),
    ...file.dependency.map((name) => `import "${name}";`),
    ...file.enumType.map(textOfEnum),
    ...file.messageType.map((message) => textOfMessage(message, isProto3)),
  ].join('\n');
}

function textOfEnum({ name, value }: EnumDescriptor): string {
  const aliases = new Set(value.map(({ number }) => number)).size < value.length ? 'option allow_alias = true; ' : '';
  return `enum ${name} { ${aliases}${value.map((one) => `${one.name} = ${String(one.number)};`).join(' ')} }`;
}

function textOfMessage(message: MessageDescriptor, isProto3: boolean): string {
  const { name, field: fields, nestedType: nested, oneofDecl: oneofs, enumType: enums } = message;
  const entries = new Map(nested.filter(({ options }) => options?.mapEntry === true).map((one) => [one.name, one]));
  const inOneof = (field: FieldDescriptor): boolean =>
    Object.hasOwn(field, 'oneofIndex') && field.proto3Optional !== true;
  const text = (field: FieldDescriptor): string => {
    const end = `${field.name} = ${String(field.number)}${packedOf(field)};`;
    const entry = entries.get(field.typeName.split('.').at(-1) ?? '');
    const [key, value] = entry?.field ?? [];
    if (key !== undefined && value !== undefined) return `map<${typeOf(key)}, ${typeOf(value)}> ${end}`;
    const plain = inOneof(field) || (isProto3 && field.label === 1 && field.proto3Optional !== true);
    return `${plain ? '' : (LABELS[field.label] ?? '')}${typeOf(field)} ${end}`;
  };
  return [
    `message ${name} {`,
    ...enums.map(textOfEnum),
    ...nested.filter((one) => !entries.has(one.name)).map((one) => textOfMessage(one, isProto3)),
    ...fields.filter((field) => !inOneof(field)).map(text),
    ...oneofs.flatMap((oneof, index) => {
      const own = fields.filter((field) => inOneof(field) && field.oneofIndex === index);
      return own.length === 0 ? [] : [`oneof ${oneof.name} {`, ...own.map(text), '}'];
    }),
    '}',
  ].join('\n');
}

function typeOf({ name, type, typeName }: FieldDescriptor): string {
  if (type === GROUP) throw new TypeError(`the field ${name} is a group, which is read from the text of a file only`);
  return TYPES[type] ?? typeName;
}

function packedOf({ options }: FieldDescriptor): string {
  return options !== undefined && options !== null && Object.hasOwn(options, 'packed')
    ? ` [packed = ${String(options.packed)}]`
    : '';
}
