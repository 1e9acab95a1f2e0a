/** `@tributary/streams/testing`: a topology under test, without Kafka. */
export { TopologyTestDriver, type TestRecord, type TopologyTestDriverOptions } from './testing/topology-test-driver.ts';
export type { StoreRow } from './testing/committed-rows.ts';
export type { WrittenRecord } from './testing/memory-topics.ts';
export type { SeedRow } from './testing/seed-rows.ts';
export type { TestInput, TestInputTopic, TestOutput, TestOutputTopic, TestTopicSerdes } from './testing/test-topics.ts';
