/*
 * What a test file has changed in the process that the next file will run in. Taken once, before the first file: a
 * change is the fault of the file that ends.
 */

interface Property {
  readonly owner: object;
  readonly key: string;
  readonly label: string;
}

interface Listener {
  readonly name: string;
  readonly listener: () => void;
}

/** jest's own, and what jest sets anew for each file. */
const OF_JEST = new Set(['console', 'Error.stackTraceLimit', 'Error.prepareStackTrace', 'process.exit']);
/** Made by a library when it is loaded, and kept with it: the registry of zod, the helpers of tslib, Apollo's slots. */
const OF_LIBRARIES = /^(?:__|@)/;
/** Those for uncaught errors are set aside by jest-circus while a file runs. */
const LISTENERS = /^SIG[A-Z0-9]+$/;

function propertiesOf(owner: object, name: string): Property[] {
  return Reflect.ownKeys(owner)
    .filter((key) => typeof key === 'string')
    .map((key) => ({ owner, key, label: name === '' ? key : `${name}.${key}` }))
    .filter(({ label }) => !OF_JEST.has(label));
}

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null);

/** Every global, each property of it and of its prototype. Reading one makes what Node loads late what it stays. */
function watchedProperties(): (Property & { readonly was: PropertyDescriptor | undefined })[] {
  const globals = propertiesOf(globalThis, '');
  const inner = globals.flatMap(({ key }) => {
    const value: unknown = Reflect.get(globalThis, key);
    if (!isObject(value) || value === globalThis || value === process) return [];
    const prototype: unknown = Reflect.get(value, 'prototype');
    return [...propertiesOf(value, key), ...(isObject(prototype) ? propertiesOf(prototype, `${key}.prototype`) : [])];
  });
  const ofProcess = propertiesOf(process, 'process').filter(
    ({ key }) => typeof Reflect.get(process, key) === 'function',
  );
  return [...globals, ...inner, ...ofProcess].map((property) => ({
    ...property,
    was: Object.getOwnPropertyDescriptor(property.owner, property.key),
  }));
}

const same = (a: PropertyDescriptor | undefined, b: PropertyDescriptor | undefined): boolean =>
  a !== undefined && b !== undefined && Object.is(a.value, b.value) && a.get === b.get && a.set === b.set;

const listenersNow = (): Listener[] =>
  process
    .eventNames()
    .map(String)
    .filter((name) => LISTENERS.test(name))
    .flatMap((name) => process.rawListeners(name).map((listener) => ({ name, listener: listener as () => void })));

const before = watchedProperties();
const namesBefore = new Set(Object.getOwnPropertyNames(globalThis));
const environmentBefore: NodeJS.ProcessEnv = { ...process.env };
const directoryBefore = process.cwd();
const listenersBefore = listenersNow();
const consoleBefore = globalThis.console;
const exitBefore = Object.getOwnPropertyDescriptor(process, 'exit') ?? {};

const changedProperties = (): typeof before =>
  before.filter(({ owner, key, was }) => !same(Object.getOwnPropertyDescriptor(owner, key), was));

const newGlobals = (): string[] =>
  Object.getOwnPropertyNames(globalThis).filter((name) => !namesBefore.has(name) && !OF_LIBRARIES.test(name));

const changedVariables = (): string[] =>
  [...new Set([...Object.keys(environmentBefore), ...Object.keys(process.env)])].filter(
    (name) => environmentBefore[name] !== process.env[name],
  );

const newListeners = (): Listener[] =>
  listenersNow().filter(
    ({ name, listener }) => !listenersBefore.some((one) => one.name === name && one.listener === listener),
  );

/** In words, for the failure of the file that has just ended. */
export function leftBehind(): string[] {
  return [
    ...changedProperties().map(({ label }) => label),
    ...newGlobals(),
    ...changedVariables().map((name) => `process.env.${name}`),
    ...newListeners().map(({ name }) => `a listener of the process for ${name}`),
    ...(process.cwd() === directoryBefore ? [] : ['the working directory']),
  ];
}

/** All as it was, so that one file fails and not each one after it. */
export function restore(): void {
  globalThis.console = consoleBefore;
  Object.defineProperty(process, 'exit', exitBefore);
  for (const { owner, key, was } of changedProperties()) if (was !== undefined) Object.defineProperty(owner, key, was);
  for (const name of newGlobals()) Reflect.deleteProperty(globalThis, name);
  for (const name of changedVariables()) {
    const was = environmentBefore[name];
    if (was === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = was;
  }
  for (const { name, listener } of newListeners()) process.removeListener(name, listener);
  if (process.cwd() !== directoryBefore) process.chdir(directoryBefore);
}
