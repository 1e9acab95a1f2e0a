/** A field, an argument or an enum's value. */
export interface SdlPart {
  readonly name: string;
  /** None for a value of an enum. */
  readonly type?: string;
  readonly description: string;
  readonly args?: readonly SdlPart[];
  /** As SDL writes it. */
  readonly fallback?: string;
}

export function sdlPart(name: string, type: string, description: string): SdlPart {
  return { name, type, description };
}

/** A definition with its parts in braces, such as `type Window { … }`. */
export function sdlBlock(description: string, head: string, parts: readonly SdlPart[]): string {
  return `${descriptionText(description)}\n${head} {\n${parts.map((part) => `${partText(part, '  ')}\n`).join('')}}\n`;
}

/** Any text, as a string of GraphQL. */
export function descriptionText(description: string): string {
  return JSON.stringify(description.toWellFormed());
}

function partText({ name, type, description, args = [], fallback }: SdlPart, indent: string): string {
  const given =
    args.length === 0 ? '' : `(\n${args.map((arg) => `${partText(arg, `${indent}  `)}\n`).join('')}${indent})`;
  const ofType = type === undefined ? '' : `: ${type}`;
  const otherwise = fallback === undefined ? '' : ` = ${fallback}`;
  return `${indent}${descriptionText(description)}\n${indent}${name}${given}${ofType}${otherwise}`;
}
