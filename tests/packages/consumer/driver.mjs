// Runs the topology without Kafka, from the package alone; prints what it wrote.
import { flatJsonScanner } from '@tributary/streams/json';
import { changelogTopic } from '@tributary/streams/operations';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology } from './topology.mjs';

const driver = new TopologyTestDriver(buildTopology({ input: 'words', output: 'counts' }));
await driver.pipe('words', { value: 'a' }, { value: 'b' }, { value: 'a' });
const written = driver.output('counts').map(({ key, value }) => `${String(key)}=${String(value)}`);
process.stdout.write(
  `${JSON.stringify({ written, scanner: typeof flatJsonScanner, changelog: changelogTopic('app', 'counts') })}\n`,
);
