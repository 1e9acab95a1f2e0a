const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const NO_ENUM_VALUES: readonly string[] = ['true', 'false', 'null'];

/** Why GraphQL cannot have this name, as the end of a sentence that begins with it; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) return 'is no GraphQL name: letters, digits and _, and no digit first';
  return name.startsWith('__') ? 'begins with __, which GraphQL keeps for itself' : undefined;
}

/** Why an enum cannot have this value. */
export function enumValueProblem(value: string): string | undefined {
  return NO_ENUM_VALUES.includes(value) ? 'means something else in GraphQL' : nameProblem(value);
}

/** `lines` is `Lines`. */
export function capitalised(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** In quotes and on one line, whatever is in it. */
export function quoted(name: string): string {
  return JSON.stringify(name);
}
