import { hasClassArchive, startTestBroker } from './broker.ts';

/*
 * What the first broker of a fresh clone leaves for all others: Kafka's jars, formatted storage, the archive of loaded
 * classes. Run once, before several would make the same side by side.
 */

if (!(await hasClassArchive().catch(() => false))) await (await startTestBroker()).stop();
process.exit(0);
