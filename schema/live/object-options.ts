import { didYouMean, textOf } from '@tributary/streams/operations';
import { isPlainObject } from './types/plain-object.ts';

type Refuse = (name: string, wanted: string, value: unknown) => void;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What the parts of an option can be: what that is called, and whether a value is it. */
type Parts = Readonly<Record<string, readonly [wanted: string, is: (value: unknown) => boolean]>>;

const OF_EXTEND: Parts = {
  typeDefs: ['SDL as text, or a list of such texts', () => true],
  resolvers: [
    'an object of resolvers by type, or a function that answers one',
    (value) => isFunction(value) || isPlainObject(value),
  ],
  costs: ['a function of the schema', isFunction],
  restResults: [
    'an object of functions by path, each of which begins with /',
    (value) =>
      isPlainObject(value) && Object.entries(value).every(([path, of]) => path.startsWith('/') && isFunction(of)),
  ],
  graphiqlExamples: ['a list of operations as text', (value) => Array.isArray(value) && value.every(isText)],
};
const OF_SETTINGS: Parts = {
  allowedHosts: ['the name of a setting', isText],
  allowedOrigins: ['the name of a setting', isText],
};
const OF_TRACING: Parts = {
  begin: ['a function of the operation', isFunction],
  close: ['a function of milliseconds', isFunction],
};
const OF_PAGE: Parts = {
  folder: ['the folder of the page, as text', isText],
  notBuilt: ['HTML as text', (value) => typeof value === 'string'],
};

type ObjectOptions = Readonly<
  Partial<Record<'tables' | 'allow' | 'limits' | 'extend' | 'settings' | 'page' | 'tracing', unknown>>
>;

/** One line in `problems` for each option that is an object, and is not as it must be. */
export function checkObjectOptions(options: ObjectOptions, problems: string[]): void {
  const refuse: Refuse = (name, wanted, value) => {
    problems.push(`${name}: must be ${wanted}, not ${isOfClass(value) ? 'one of a class' : textOf(value)}`);
  };
  for (const name of ['tables', 'allow', 'limits'] as const) {
    const value: unknown = options[name];
    if (isOfClass(value) || (name !== 'tables' && Array.isArray(value))) refuse(name, 'a plain object', value);
  }
  checkParts('extend', options.extend, OF_EXTEND, [], refuse, problems);
  checkParts('settings', options.settings, OF_SETTINGS, Object.keys(OF_SETTINGS), refuse, problems);
  if (isPlainObject(options.page)) checkParts('page', options.page, OF_PAGE, ['folder'], refuse, problems);
  else if (isOfClass(options.page)) refuse('page', 'false or { folder }', options.page);
  checkTracing(options.tracing, refuse);
}

/** A tracer may be of a class. */
function checkTracing(tracing: unknown, refuse: Refuse): void {
  if (tracing === undefined || tracing === null) return;
  if (typeof tracing !== 'object') return refuse('tracing', 'an object with begin and close', tracing);
  for (const [part, [wanted, is]] of Object.entries(OF_TRACING)) {
    const value = (tracing as Readonly<Record<string, unknown>>)[part];
    if (!is(value)) refuse(`tracing.${part}`, wanted, value);
  }
}

function checkParts(
  option: string,
  given: unknown,
  parts: Parts,
  needed: readonly string[],
  refuse: Refuse,
  problems: string[],
): void {
  if (given === undefined) return;
  const known = Object.keys(parts);
  if (!isPlainObject(given)) return refuse(option, `a plain object with ${known.join(', ')}`, given);
  for (const [name, value] of Object.entries(given)) {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (part === undefined) problems.push(`${option} has no option "${name}": ${didYouMean(name, known)}`);
    else if (value !== undefined && !part[1](value)) refuse(`${option}.${name}`, part[0], value);
  }
  for (const name of needed)
    if (given[name] === undefined) refuse(`${option}.${name}`, parts[name]?.[0] ?? '', undefined);
}

/** Such as a Map, of which `Object.entries` says nothing. */
function isOfClass(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlainObject(value);
}
