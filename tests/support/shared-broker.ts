import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { startTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts';
import { sized } from './chaos.ts';
import { createTopics } from './topics.ts';
import { found } from './until.ts';

/** A broker that nobody stops or kills: files that come after this one find it as it is. */
export interface SharedBroker extends Pick<TestBroker, 'brokers' | 'connection' | 'createTopics'> {
  /** The end of this file's use of it. */
  leave(): Promise<void>;
}

const told = z.object({ brokers: z.array(z.string()).optional(), failure: z.string().optional() });

/**
 * The broker of this worker process, with the properties of CHAOS_BROKER: started by the first file that asks for it,
 * and warm for all others. For files whose topics, groups and applications have names of their own.
 * @param own at full length each file has a broker of its own, with these options.
 */
export function sharedBroker(own: TestBrokerOptions = {}): Promise<SharedBroker> {
  return sized({ short: ofThisProcess, full: () => ofThisFile(own) })();
}

async function ofThisFile(options: TestBrokerOptions): Promise<SharedBroker> {
  const broker = await startTestBroker(options);
  return { ...broker, leave: () => broker.stop() };
}

async function ofThisProcess(): Promise<SharedBroker> {
  // A process id comes again: the time at which this one began tells it from an earlier one.
  const name = `tributary-shared-broker-${String(process.pid)}-${performance.timeOrigin.toFixed(0)}.json`;
  const file = join(tmpdir(), name);
  if (!existsSync(file)) {
    const keeper = join(projectRoot, 'tests/support/shared-broker-keeper.ts');
    // No child that this process waits for: it outlives the file that began it, and ends by itself.
    spawn(process.execPath, [keeper, String(process.pid), file], { detached: true, stdio: 'ignore' }).unref();
  }
  const { brokers, failure = '' } = told.parse(
    JSON.parse(await found(() => readFile(file, 'utf8'), 'the shared broker starts')),
  );
  if (brokers === undefined) throw new Error(`the shared broker does not start: ${failure}`);
  return {
    brokers,
    connection: { brokers, clientId: 'test' },
    createTopics: (...topics) => createTopics(brokers, ...topics),
    leave: () => Promise.resolve(),
  };
}
