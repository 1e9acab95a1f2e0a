import { expect, test } from '@jest/globals';
import { int32Serde, keyValueStore, StreamsBuilder, type Topology } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams/testing.md. */

/** Lets everybody spend 100 a day, and tells what was too much. */
function dailyLimits(): Topology {
  const builder = new StreamsBuilder();
  const spent = keyValueStore('spent', { value: int32Serde });
  builder
    .stream('payments', { value: int32Serde })
    .process<string, number>(
      (context) => {
        const sums = context.store(spent);
        context.schedule({ everyMs: 24 * 3_600_000, clock: 'wall-clock' }, () => {
          for (const [user] of [...sums.all()]) sums.delete(user);
        });
        return (amount, user) => {
          if (user === null) return;
          const sum = (sums.get(user) ?? 0) + amount;
          if (sum > 100) context.forward(user, amount);
          else sums.put(user, sum);
        };
      },
      { stores: [spent] },
    )
    .to('refused', { value: int32Serde });
  return builder.build();
}

test('rows before the first record, typed topics, and a clock that is moved', async () => {
  const driver = new TopologyTestDriver(dailyLimits(), {
    nowMs: () => Date.UTC(2026, 0, 1),
    partitions: { payments: 3 },
  });
  await driver.seed('spent', [{ key: 'ann', value: 90 }]);
  const payments = driver.inputTopic('payments', { value: int32Serde });
  const refused = driver.outputTopic('refused', { value: int32Serde });

  await payments.pipe({ key: 'ann', value: 20 }, { key: 'bob', value: 20, timestampMs: Date.UTC(2026, 0, 1, 12) });
  expect(refused.read()).toMatchObject([{ key: 'ann', value: 20, timestampMs: Date.UTC(2026, 0, 1) }]);
  expect(driver.rows('spent')).toEqual([
    { key: 'ann', value: 90 },
    { key: 'bob', value: 20 },
  ]);

  await driver.advanceWallClock(24 * 3_600_000);
  await payments.pipe({ key: 'ann', value: 20 });
  expect(refused.read()).toEqual([]);
});
