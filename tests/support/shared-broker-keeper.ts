import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestBroker } from './broker.ts';
import { CHAOS_BROKER } from './echo-run.ts';

/*
 * node shared-broker-keeper.ts <pid> <file>: a broker that lives as long as the process of that id, for the test files
 * that it runs one after the other. Where the broker is, or why there is none, is written to the file, which goes when
 * the broker does.
 */

const LOOK_EVERY_MS = 200;
const [owner = '', file = ''] = process.argv.slice(2);

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** In one piece: whoever waits for the file reads all of it. */
async function tell(what: { readonly brokers: readonly string[] } | { readonly failure: string }): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(what));
  await rename(`${file}.new`, file);
}

const broker = await startTestBroker({ properties: CHAOS_BROKER, heap: '768m' }).catch(async (error: unknown) => {
  await tell({ failure: String(error) });
  process.exit(1);
});
await tell({ brokers: broker.brokers });
while (lives(Number(owner)) && lives(broker.pid)) await sleep(LOOK_EVERY_MS);
await rm(file, { force: true });
await broker.stop();
process.exit(0);
