/** `@tributary/streams/testing`: a topology under test, without Kafka. */
export {
  TopologyTestDriver,
  type SeedRow,
  type StoreRow,
  type TestRecord,
  type TopologyTestDriverOptions,
  type WrittenRecord,
} from './testing/topology-test-driver.ts';
export type { TestInput, TestInputTopic, TestOutput, TestOutputTopic, TestTopicSerdes } from './testing/test-topics.ts';
