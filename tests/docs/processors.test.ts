import { expect, test } from '@jest/globals';
import {
  jsonSerde,
  keyValueStore,
  sessionStore,
  StreamsBuilder,
  stringSerde,
  versionedStore,
  windowStore,
  type FixedKeyProcessorContext,
} from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams/processors.md: processors, punctuators, and stores of four kinds. */

test('a function as a processor, with a punctuator of stream time', async () => {
  const builder = new StreamsBuilder();
  const latest = keyValueStore('latest', { value: jsonSerde<number>() });
  const prices = builder.stream('prices', { value: jsonSerde<number>() });
  prices
    .process<string, number>(
      (context) => {
        const rows = context.store(latest);
        context.schedule({ everyMs: 60_000, clock: 'stream-time' }, (timestampMs) => {
          for (const [symbol, price] of rows.all()) context.forward(symbol, price, { timestampMs });
        });
        return (price, symbol) => {
          if (symbol !== null) rows.put(symbol, price);
        };
      },
      { stores: [latest] },
    )
    .to('prices-by-minute', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  const input = driver.inputTopic('prices', { value: jsonSerde<number>() });
  const output = driver.outputTopic('prices-by-minute', { value: jsonSerde<number>() });
  await input.pipe({ key: 'b', value: 7, timestampMs: 59_000 }, { key: 'a', value: 1, timestampMs: 59_500 });
  const told = (): unknown => output.read().map(({ key, value, timestampMs }) => [key, value, timestampMs]);
  // Aligned to 0: the first record makes a call due.
  expect(told()).toEqual([['b', 7, 59_000]]);
  await input.pipe({ key: 'b', value: 8, timestampMs: 200_000 });
  // Once for a jump, with the time that it has reached.
  expect(told()).toEqual([
    ['a', 1, 200_000],
    ['b', 8, 200_000],
  ]);
});

test('a punctuator of the wall clock, and one that is cancelled', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('pings', { value: stringSerde })
    .process<string, number>((context) => {
      let pings = 0;
      const report = context.schedule({ everyMs: 1_000, clock: 'wall-clock' }, () => {
        context.forward('pings', pings);
        if (pings === 0) report.cancel();
        pings = 0;
      });
      return () => {
        pings += 1;
      };
    })
    .to('ping-counts', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build(), { nowMs: () => 0 });
  const counts = (): unknown[] => driver.output('ping-counts').map(({ value }) => Number(String(value)));
  await driver.pipe('pings', { value: 'x' }, { value: 'x' });
  await driver.advanceWallClock(999);
  expect(counts()).toEqual([]);
  await driver.advanceWallClock(1);
  expect(counts()).toEqual([2]);
  await driver.advanceWallClock(10_000);
  expect(counts()).toEqual([0]);
  await driver.advanceWallClock(10_000);
  expect(counts()).toEqual([]);
});

test('several processors behind one, by their names', async () => {
  const builder = new StreamsBuilder();
  const routed = builder
    .stream('jobs', { value: stringSerde })
    .process<string | null, string>((context) => (job, key) => {
      context.forward(key, job, { to: job.startsWith('!') ? 'urgent' : 'normal' });
    });
  routed
    .process<string | null, string>((context) => (job, key) => context.forward(key, job.slice(1)), { name: 'urgent' })
    .to('urgent-jobs', { key: stringSerde, value: stringSerde });
  routed
    .processValues<string>((context) => (job) => context.forward(job), { name: 'normal' })
    .to('jobs-in-order', { key: stringSerde, value: stringSerde });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('jobs', { key: 'k', value: '!now' }, { key: 'k', value: 'later' });
  expect(driver.output('urgent-jobs').map(({ value }) => String(value))).toEqual(['now']);
  expect(driver.output('jobs-in-order').map(({ value }) => String(value))).toEqual(['later']);
});

test('a processor that keeps the key, and a store that two share', async () => {
  const builder = new StreamsBuilder();
  builder.addStore(keyValueStore('limits', { value: jsonSerde<number>() }));
  builder.stream('limits', { value: jsonSerde<number>() }).process<never, never>(
    (context) => {
      const limits = context.keyValueStore<number>('limits');
      return (limit, user) => {
        if (user !== null) limits.put(user, limit);
      };
    },
    { stores: ['limits'] },
  );
  builder
    .stream('requests', { value: jsonSerde<number>() })
    .processValues(
      (context: FixedKeyProcessorContext<string>) => {
        const limits = context.keyValueStore<number>('limits');
        return (size, user) => context.forward(size <= (limits.get(user ?? '') ?? 10) ? 'taken' : 'refused');
      },
      { stores: ['limits'] },
    )
    .groupByKey({ value: stringSerde })
    .count({ store: 'answers' });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('limits', { key: 'ann', value: '100' });
  await driver.pipe('requests', { key: 'ann', value: '50' }, { key: 'bob', value: '50' });
  expect(driver.rows('answers')).toEqual([
    { key: 'ann', value: 1 },
    { key: 'bob', value: 1 },
  ]);
});

test('stores of four kinds, and how they are gone through', async () => {
  const builder = new StreamsBuilder();
  const byKey = keyValueStore('by-key', { value: jsonSerde<number>(), inMemory: true });
  const byHour = windowStore('by-hour', { value: jsonSerde<number>(), sizeMs: 3_600_000, retentionMs: 86_400_000 });
  const visits = sessionStore('visits', { value: jsonSerde<number>(), retentionMs: 86_400_000 });
  const prices = versionedStore('prices', { value: jsonSerde<number>(), historyMs: 86_400_000 });
  builder
    .stream('in', { value: jsonSerde<number>() })
    .process<string, unknown>(
      (context) => {
        const [a, b, c, d] = [
          context.store(byKey),
          context.store(byHour),
          context.store(visits),
          context.store(prices),
        ];
        return (value, key, { timestampMs }) => {
          if (key === null) return;
          a.putIfAbsent(key, value);
          context.forward('range', [...a.range('a', 'b')]);
          context.forward('prefix', [...a.reversePrefix('a')]);
          context.forward('all', [...a.all()].length);

          const hourMs = timestampMs - (timestampMs % 3_600_000);
          b.put(key, hourMs, (b.get(key, hourMs) ?? 0) + value);
          context.forward('hours', [...b.fetch(key, hourMs - 86_400_000, hourMs)]);

          // Reading one of them closes the iterator: it need not be read to its end.
          const [near] = c.find(key, timestampMs - 1_000, timestampMs + 1_000);
          if (near !== undefined) c.remove(near[0]);
          c.put({ key, startMs: near?.[0].startMs ?? timestampMs, endMs: timestampMs }, (near?.[1] ?? 0) + value);

          d.put(key, value, timestampMs);
          context.forward('price', [d.get(key), d.get(key, 0) ?? null, d.version(key)?.validToMs]);
        };
      },
      { stores: [byKey, byHour, visits, prices] },
    )
    .to('out', { key: stringSerde, value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build());
  await driver.pipe('in', { key: 'ab', value: '1', timestampMs: 10 }, { key: 'b', value: '2', timestampMs: 20 });
  await driver.pipe('in', { key: 'ab', value: '5', timestampMs: 500 });
  const out = driver.outputTopic('out', { value: jsonSerde() });
  expect(out.read().map(({ key, value }) => [key, value])).toEqual([
    ['range', [['ab', 1]]],
    ['prefix', [['ab', 1]]],
    ['all', 1],
    ['hours', [[{ key: 'ab', startMs: 0, endMs: 3_600_000 }, 1]]],
    ['price', [1, null, null]],
    // prettier-ignore
    ['range', [['ab', 1], ['b', 2]]],
    ['prefix', [['ab', 1]]],
    ['all', 2],
    ['hours', [[{ key: 'b', startMs: 0, endMs: 3_600_000 }, 2]]],
    ['price', [2, null, null]],
    // prettier-ignore
    ['range', [['ab', 1], ['b', 2]]],
    ['prefix', [['ab', 1]]],
    ['all', 2],
    ['hours', [[{ key: 'ab', startMs: 0, endMs: 3_600_000 }, 6]]],
    ['price', [5, null, null]],
  ]);
  expect(driver.rows('visits')).toEqual([
    { key: 'ab', startMs: 10, endMs: 500, value: 6 },
    { key: 'b', startMs: 20, endMs: 20, value: 2 },
  ]);
  expect(driver.rows('prices')).toEqual([
    { key: 'ab', value: 5 },
    { key: 'b', value: 2 },
  ]);
});

test('a store is not written to while it is gone through', async () => {
  const builder = new StreamsBuilder();
  const rows = keyValueStore('rows', { value: jsonSerde<number>() });
  builder.stream('in', { value: jsonSerde<number>() }).process(
    (context) => {
      const store = context.store(rows);
      return (value, key) => {
        store.put(key ?? '', value);
        for (const [name] of store.all()) store.put(`${name}+`, value);
      };
    },
    { stores: [rows] },
  );
  const driver = new TopologyTestDriver(builder.build());
  await expect(driver.pipe('in', { key: 'a', value: '1' }, { key: 'b', value: '1' })).rejects.toThrow('rows');
});

test('what fails may be skipped or put aside', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('sums', { value: stringSerde, deadLetterTopic: 'sums-dlq' })
    .mapValues((sum) => {
      if (sum === '') throw new Error('an empty sum');
      return sum.split('+').reduce((a, b) => a + Number(b), 0);
    })
    .to('results', { value: jsonSerde() });

  const driver = new TopologyTestDriver(builder.build(), {
    onProcessingError: (_error, record) => (record?.key === null ? 'skip' : 'dead-letter'),
    onProductionError: () => 'skip',
  });
  await driver.pipe(
    'sums',
    { value: '' },
    { key: 'a', value: '' },
    { key: 'b', value: '1+x' },
    { key: 'c', value: '1+2' },
  );
  expect(driver.output('results').map(({ value }) => String(value))).toEqual(['3']);
  expect(
    driver.output('sums-dlq').map(({ key, headers }) => [String(key), String(headers?.['__streams.errors.exception'])]),
  ).toEqual([['a', 'PROCESSING_FAILED']]);
  // jsonSerde does not take NaN.
  expect(driver.dropped()).toEqual({ 'processing-error': 2, 'production-error': 1 });
});
