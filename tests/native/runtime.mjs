import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import NativeEnvironment from './environment.mjs';
import { setGlobals } from './globals.mjs';
import './hooks.mjs';

const require = createRequire(import.meta.url);

/**
 * Runs a test file's modules as Node does: loaded, stripped of types and compiled once in a worker, for all of its
 * files, instead of once a file. All else is jest's own: its workers, its jest-circus, its report. A file that says
 * `@jest-environment node` has modules of its own, by jest's own runtime.
 */
export default class NativeRuntime {
  #environment;
  #mocker;

  constructor(config, environment, ...more) {
    if (!(environment instanceof NativeEnvironment)) {
      const { default: JestRuntime } = require('jest-runtime');
      return new JestRuntime(config, environment, ...more);
    }
    this.#environment = environment;
    this.#mocker = environment.moduleMocker;
  }

  /** jest-circus keeps the tests of a file in its module: each file has its own. */
  requireInternalModule(path) {
    delete require.cache[path];
    for (const symbol of Object.getOwnPropertySymbols(globalThis))
      if (CIRCUS.has(symbol.description)) delete globalThis[symbol];
    return require(path);
  }

  requireModule(path) {
    return require(path);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(path) {
    if (ran.has(path)) throw new Error('its modules are loaded already: a process runs a file once');
    ran.add(path);
    await import(pathToFileURL(path).href);
  }

  setGlobalsForRuntime(globals) {
    setGlobals({ ...globals, jest: this.#jestObject() });
  }

  #jestObject() {
    const timers = this.#environment.fakeTimersModern;
    const mocker = this.#mocker;
    const jest = {
      fn: (...args) => mocker.fn(...args),
      spyOn: (...args) => mocker.spyOn(...args),
      restoreAllMocks: () => (mocker.restoreAllMocks(), jest),
      useFakeTimers: (options) => (timers.useFakeTimers(options), jest),
      useRealTimers: () => (timers.useRealTimers(), jest),
      setSystemTime: (now) => timers.setSystemTime(now),
      advanceTimersByTime: (ms) => timers.advanceTimersByTime(ms),
      advanceTimersByTimeAsync: (ms) => timers.advanceTimersByTimeAsync(ms),
      clearAllTimers: () => timers.clearAllTimers(),
      getTimerCount: () => timers.getTimerCount(),
    };
    return jest;
  }

  // What jest asks of a runtime that keeps modules, mocks and sources: there are none.
  getSourceMaps() {
    return new Map();
  }

  getAllCoverageInfoCopy() {
    return undefined;
  }

  enterTestCode() {}
  leaveTestCode() {}
  clearAllMocks() {
    this.#mocker.clearAllMocks();
  }
  resetAllMocks() {
    this.#mocker.resetAllMocks();
  }
  restoreAllMocks() {
    this.#mocker.restoreAllMocks();
  }
  resetModules() {}
  teardown() {}
}

const CIRCUS = new Set(['JEST_STATE_SYMBOL', 'EVENT_HANDLERS']);

const ran = new Set();
