import { expect, test } from '@jest/globals';
import { jsonSerde, StreamsBuilder, type Aggregate, type Serde } from '../../index.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { TaskGraph } from '../../task/task-graph.ts';
import { eventTimeOf, linksTo } from '../../tests/support/event-time.ts';
import { RecordCollector } from '../../writing/record-collector.ts';
import type { SubTopology } from '../topology.ts';

/** The last value of each key, as its partial has it, for records whose values stand behind their keys. */
async function partialsOf(serde: Serde<unknown>, valueOf: (text: string) => unknown, sent: string): Promise<unknown> {
  const last: Aggregate<string, unknown> = {
    empty: () => null,
    add: (_, text) => valueOf(text),
    merge: (_, b) => b,
    serde,
  };
  const builder = new StreamsBuilder();
  builder
    .stream('in', { decode: ({ value }) => String(value) })
    .groupBy((_, key) => String(key), { name: 'by-key' })
    .aggregate(last, { store: 'last' });
  const subTopology = builder.build().subTopologies[0] as SubTopology;
  const collector = new RecordCollector();
  const graph = new TaskGraph({
    taskId: '0_0',
    subTopology,
    applicationId: 'app',
    store: openMemoryStore(),
    collector,
    partitionsOf: () => 1,
    time: eventTimeOf({ taskId: '0_0', subTopology, links: linksTo() }),
    nowMs: () => 0,
    requestCommit: () => undefined,
  });
  for (const [offset, one] of sent.split(' ').entries()) {
    const [key = '', value = ''] = one.split('=');
    const of = { topic: 'in', partition: 0, offset, timestampMs: 0, headers: {} };
    graph.process({ ...of, key: Buffer.from(key), value: Buffer.from(value) });
  }
  await graph.flush();
  const head = 2 + 'last'.length + 16;
  return collector
    .take()
    .filter(({ key }) => key !== null)
    .map(({ key, value }) => [key?.toString(), serde.deserialize(Buffer.from(value?.subarray(head) ?? []))]);
}

// A serde of the runtime's own is known to write the same number as the same bytes.
test("a user's serde writes each aggregate: it may use its bytes again", async () => {
  const scratch = Buffer.alloc(1);
  const serde: Serde<unknown> = {
    serialize: (value) => {
      scratch.write(String(value));
      return scratch;
    },
    deserialize: (bytes) => bytes.toString(),
  };
  const valueOf = (text: string): unknown => (text === 'x' ? text : Number(text));
  expect(await partialsOf(serde, valueOf, 'a=1 b=x c=1')).toEqual([
    ['a', '1'],
    ['b', 'x'],
    ['c', '1'],
  ]);
});

test('a number that comes after itself is written as it was, whatever its key', async () => {
  const json = jsonSerde<unknown>();
  expect(await partialsOf(json, Number, 'a=1 b=1 c=2 é=2')).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 2],
    ['é', 2],
  ]);
});

test('where there is no aggregate there is no partial', async () => {
  expect(await partialsOf(jsonSerde<unknown>(), (text) => (text === 'none' ? null : text), 'a=none b=x')).toEqual([
    ['b', 'x'],
  ]);
});
