/** `@tributary/streams/testing`: a topology under test, without Kafka. */
export {
  TopologyTestDriver,
  type TestRecord,
  type TopologyTestDriverOptions,
  type WrittenRecord,
} from './testing/topology-test-driver.ts';
