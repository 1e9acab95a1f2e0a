import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { leftBehind, restore } from './leftovers.ts';

/**
 * The realm of Node itself, for files whose modules are loaded once a worker (runtime.mjs). A file that leaves a global
 * changed fails: the next one of the worker would meet it.
 */
export default class NativeEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  setup() {
    // jest has put source maps, of which there are none, into the making of each stack.
    Error.prepareStackTrace = undefined;
    return Promise.resolve();
  }

  async teardown() {
    this.moduleMocker.restoreAllMocks();
    const left = leftBehind();
    this.fakeTimersModern.dispose();
    restore();
    if (left.length > 0) throw new Error(`the file leaves changed, for the next one: ${left.join(', ')}`);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** Asked for by jest, which makes no script here. */
  getVmContext() {
    return null;
  }
}
