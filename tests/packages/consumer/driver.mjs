// Runs the topology without Kafka, from the package alone; prints what it wrote.
import { flatJsonScanner } from '@tributary/streams/json';
import { changelogTopic } from '@tributary/streams/operations';
import { avroSerde, jsonSchemaSerde, schemaRegistry } from '@tributary/streams/schema-registry';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology } from './topology.mjs';

const driver = new TopologyTestDriver(buildTopology({ input: 'words', output: 'counts' }));
await driver.pipe('words', { value: 'a' }, { value: 'b' }, { value: 'a' });
const written = driver.output('counts').map(({ key, value }) => `${String(key)}=${String(value)}`);

/** The code of the error. */
function failure(act) {
  try {
    act();
    return 'none';
  } catch (error) {
    return error.code;
  }
}
// Nobody listens there: the thread that asks is a file of the package.
const registry = schemaRegistry({ url: 'http://127.0.0.1:1', timeoutMs: 100 });
const scanner = typeof flatJsonScanner;
const changelog = changelogTopic('app', 'counts');
const registryAway = failure(() => jsonSchemaSerde(registry).deserialize(Buffer.from([0, 0, 0, 0, 1, 49])));
// Its library was not asked for.
const withoutAvsc = failure(() => avroSerde(registry));
process.stdout.write(`${JSON.stringify({ written, scanner, changelog, registryAway, withoutAvsc })}\n`);
