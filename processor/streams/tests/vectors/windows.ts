import {
  hopping,
  stringSerde,
  tumbling,
  unlimited,
  type KGroupedStream,
  type StreamsBuilder,
  type TimeWindows,
} from '../../index.ts';
import {
  DAY_MS,
  TEXT,
  TEXT_OR_NULL,
  appended,
  kafka,
  ksql,
  numberText,
  ofTables,
  ran,
  windowText,
  type Build,
  type Vector,
} from './vector.ts';

const byKey = (builder: StreamsBuilder, topic = 'in'): KGroupedStream<string, string> =>
  builder.stream(topic, TEXT).groupByKey({ name: `${topic}-by-key`, ...TEXT });

const windowed =
  (windows: TimeWindows, empty = '0'): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows)
      .aggregate(appended(empty), { store: 'windows' })
      .toStream(windowText)
      .to('out', TEXT);
  };

const joinedWindows =
  (windows: TimeWindows): Build =>
  (builder) => {
    const table = (topic: string) =>
      byKey(builder, topic)
        .windowedBy(windows)
        .aggregate(appended(), { store: `${topic}-windows` });
    table('one')
      .join(table('two'), (one, two) => `${one}%${two}`)
      .toStream(windowText)
      .to('out', TEXT);
  };

const countedIn =
  (windows: TimeWindows): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows)
      .count({ store: 'windows' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const reduce =
  (windows: TimeWindows, reducer: (a: string, b: string) => string): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows)
      .reduce(reducer, { store: 'windows', ...TEXT })
      .toStream(windowText)
      .to('out', TEXT);
  };

const reducedIn = (windows: TimeWindows): Build => reduce(windows, (a, b) => `${a}+${b}`);

const largest = (windows: TimeWindows): Build => reduce(windows, (a, b) => (Number(a) >= Number(b) ? a : b));

const smallest = (windows: TimeWindows): Build => reduce(windows, (a, b) => (Number(a) <= Number(b) ? a : b));

const unlimitedFrom =
  (startMs: number): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(unlimited({ startMs }))
      .aggregate(appended(), { store: 'windows' })
      .toStream((_value, { key, startMs: start }) => `${key}[${String(start)}]`)
      .to('out', TEXT);
  };

const countedWithNulls =
  (windows: TimeWindows): Build =>
  (builder) => {
    builder
      .stream('in', TEXT_OR_NULL)
      .groupByKey({ name: 'in-by-key', ...TEXT })
      .windowedBy(windows)
      .count({ store: 'windows' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const filteredWindows =
  (windows: TimeWindows): Build =>
  (builder) => {
    builder
      .stream('in', TEXT)
      .filter((value) => value !== 'no')
      .groupByKey({ name: 'in-by-key', ...TEXT })
      .windowedBy(windows)
      .aggregate(appended(), { store: 'windows' })
      .toStream(windowText)
      .to('out', TEXT);
  };

/** How many values each key has, over its windows. */
const summedWindows = (builder: StreamsBuilder): void => {
  byKey(builder)
    .windowedBy(tumbling({ sizeMs: 10, graceMs: 100 }))
    .aggregate(appended(), { store: 'windows' })
    .groupBy((value, { key }) => ({ key, value: String(value.split('+').length - 1) }), { name: 'again', ...TEXT })
    .aggregate(
      {
        empty: () => '0',
        add: (sum: string, value) => String(Number(sum) + Number(value)),
        subtract: (sum: string, value) => String(Number(sum) - Number(value)),
        serde: stringSerde,
      },
      { store: 'sums' },
    )
    .toStream()
    .to('out', TEXT);
};

export const WINDOWS: readonly Vector[] = ofTables([
  {
    name: 'hopping windows, out of order within the grace',
    source: kafka('KStreamWindowAggregate › testAggBasic'),
    build: windowed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 100 })),
    steps: [
      ['in A=1@0', 'out A[0,10]=0+1@0'],
      ['in B=2@1', 'out B[0,10]=0+2@1'],
      ['in C=3@2', 'out C[0,10]=0+3@2'],
      ['in D=4@3', 'out D[0,10]=0+4@3'],
      ['in A=1@4', 'out A[0,10]=0+1+1@4'],
      ['in A=1@5', 'out A[0,10]=0+1+1+1@5 A[5,15]=0+1@5'],
      ['in B=2@6', 'out B[0,10]=0+2+2@6 B[5,15]=0+2@6'],
      ['in D=4@7', 'out D[0,10]=0+4+4@7 D[5,15]=0+4@7'],
      ['in B=2@8', 'out B[0,10]=0+2+2+2@8 B[5,15]=0+2+2@8'],
      ['in C=3@9', 'out C[0,10]=0+3+3@9 C[5,15]=0+3@9'],
      ['in A=1@10', 'out A[5,15]=0+1+1@10 A[10,20]=0+1@10'],
      ['in B=2@11', 'out B[5,15]=0+2+2+2@11 B[10,20]=0+2@11'],
      ['in D=4@12', 'out D[5,15]=0+4+4@12 D[10,20]=0+4@12'],
      ['in B=2@13', 'out B[5,15]=0+2+2+2+2@13 B[10,20]=0+2+2@13'],
      ['in C=3@14', 'out C[5,15]=0+3+3@14 C[10,20]=0+3@14'],
      ['in B=1@3', 'out B[0,10]=0+2+2+2+1@8'],
      ['in B=2@2', 'out B[0,10]=0+2+2+2+1+2@8'],
      ['in B=3@9', 'out B[0,10]=0+2+2+2+1+2+3@9 B[5,15]=0+2+2+2+2+3@13'],
    ],
  },
  {
    name: 'tables of windows joined',
    source: kafka('KStreamWindowAggregate › testJoin'),
    build: joinedWindows(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 100 })),
    steps: [
      ['one A=1@0'],
      ['one B=2@1'],
      ['one C=3@2'],
      ['one D=4@3'],
      ['one A=1@9'],
      ['one A=1@5'],
      ['one B=2@6'],
      ['one D=4@7'],
      ['one B=2@8'],
      ['one C=3@9'],
      ['two A=a@0', 'out A[0,10]=0+1+1+1%0+a@9'],
      ['two B=b@1', 'out B[0,10]=0+2+2+2%0+b@8'],
      ['two C=c@2', 'out C[0,10]=0+3+3%0+c@9'],
      ['two D=d@20'],
      ['two A=a@20'],
      ['two A=a@5', 'out A[0,10]=0+1+1+1%0+a+a@9 A[5,15]=0+1+1%0+a@9'],
      ['two B=b@6', 'out B[0,10]=0+2+2+2%0+b+b@8 B[5,15]=0+2+2%0+b@8'],
      ['two D=d@7', 'out D[0,10]=0+4+4%0+d@7 D[5,15]=0+4%0+d@7'],
      ['two D=d@18'],
      ['two A=a@21'],
    ],
  },
  {
    name: 'a null key is dropped',
    source: kafka('KStreamWindowAggregate › shouldLogAndMeterWhenSkippingNullKey'),
    build: windowed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })),
    steps: [['in ~=1@0'], ['in A=1@100', 'out A[95,105]=0+1@100 A[100,110]=0+1@100'], ['in A=2@94']],
  },
  {
    name: 'late is end + grace <= stream time: of two windows one may be late',
    source: kafka('KStreamWindowAggregate › shouldLogAndMeterWhenSkippingExpiredWindow'),
    build: windowed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 90 }), ''),
    steps: [
      ['in k=100@100', 'out k[95,105]=+100@100 k[100,110]=+100@100'],
      ['in k=0@0'],
      ['in k=1@1'],
      ['in k=2@2'],
      ['in k=3@3'],
      ['in k=4@4'],
      ['in k=5@5', 'out k[5,15]=+5@5'],
      ['in k=6@6', 'out k[5,15]=+5+6@6'],
      ['in k=105@105', 'out k[100,110]=+100+105@105 k[105,115]=+105@105'],
      ['in k=106@106', 'out k[100,110]=+100+105+106@106 k[105,115]=+105+106@106'],
    ],
  },
  {
    name: 'late by grace',
    source: kafka('KStreamWindowAggregate › shouldLogAndMeterWhenSkippingExpiredWindowByGrace'),
    build: windowed(tumbling({ sizeMs: 10, graceMs: 90 }), ''),
    steps: [
      ['in k=100@200', 'out k[200,210]=+100@200'],
      ['in k=0@100'],
      ['in k=1@101'],
      ['in k=2@102'],
      ['in k=3@103'],
      ['in k=4@104'],
      ['in k=5@105'],
      ['in k=6@6'],
    ],
  },
  {
    name: 'count in tumbling windows',
    source: kafka('KGroupedStreamImpl › shouldCountWindowed'),
    build: countedIn(tumbling({ sizeMs: 500, graceMs: 2_000 })),
    steps: [
      ['in 1=A@0', 'out 1[0,500]=1@0'],
      ['in 1=A@499', 'out 1[0,500]=2@499'],
      ['in 1=A@100', 'out 1[0,500]=3@499'],
      ['in 2=B@0', 'out 2[0,500]=1@0'],
      ['in 2=B@100', 'out 2[0,500]=2@100'],
      ['in 2=B@200', 'out 2[0,500]=3@200'],
      ['in 3=C@1', 'out 3[0,500]=1@1'],
      ['in 1=A@500', 'out 1[500,1000]=1@500'],
      ['in 1=A@500', 'out 1[500,1000]=2@500'],
      ['in 2=B@500', 'out 2[500,1000]=1@500'],
      ['in 2=B@500', 'out 2[500,1000]=2@500'],
      ['in 3=B@100', 'out 3[0,500]=2@100'],
    ],
  },
  {
    name: 'count in windows',
    source: kafka('TimeWindowedKStreamImpl › shouldCountWindowed'),
    build: countedIn(tumbling({ sizeMs: 500, graceMs: 0, retentionMs: DAY_MS })),
    steps: [
      ['in 1=1@10', 'out 1[0,500]=1@10'],
      ['in 1=2@15', 'out 1[0,500]=2@15'],
      ['in 1=3@500', 'out 1[500,1000]=1@500'],
      ['in 2=10@550', 'out 2[500,1000]=1@550'],
      ['in 2=20@500', 'out 2[500,1000]=2@550'],
      ['in 2=30@1000', 'out 2[1000,1500]=1@1000'],
    ],
    stores: { windows: '1[0,500]=2 1[500,1000]=1 2[500,1000]=2 2[1000,1500]=1' },
  },
  {
    name: 'reduce in windows',
    source: kafka('TimeWindowedKStreamImpl › shouldReduceWindowed'),
    build: reducedIn(tumbling({ sizeMs: 500, graceMs: 0, retentionMs: DAY_MS })),
    steps: [
      ['in 1=1@10', 'out 1[0,500]=1@10'],
      ['in 1=2@15', 'out 1[0,500]=1+2@15'],
      ['in 1=3@500', 'out 1[500,1000]=3@500'],
      ['in 2=10@550', 'out 2[500,1000]=10@550'],
      ['in 2=20@500', 'out 2[500,1000]=10+20@550'],
      ['in 2=30@1000', 'out 2[1000,1500]=30@1000'],
    ],
    stores: { windows: '1[0,500]=1+2 1[500,1000]=3 2[500,1000]=10+20 2[1000,1500]=30' },
  },
  {
    name: 'aggregate in windows',
    source: kafka('TimeWindowedKStreamImpl › shouldAggregateWindowed'),
    build: windowed(tumbling({ sizeMs: 500, graceMs: 0, retentionMs: DAY_MS })),
    steps: [
      ['in 1=1@10', 'out 1[0,500]=0+1@10'],
      ['in 1=2@15', 'out 1[0,500]=0+1+2@15'],
      ['in 1=3@500', 'out 1[500,1000]=0+3@500'],
      ['in 2=10@550', 'out 2[500,1000]=0+10@550'],
      ['in 2=20@500', 'out 2[500,1000]=0+10+20@550'],
      ['in 2=30@1000', 'out 2[1000,1500]=0+30@1000'],
    ],
    stores: { windows: '1[0,500]=0+1+2 1[500,1000]=0+3 2[500,1000]=0+10+20 2[1000,1500]=0+30' },
  },
  {
    name: 'windows of 10 every 3, which does not divide',
    source: ran,
    build: windowed(hopping({ sizeMs: 10, advanceMs: 3, graceMs: 0 })),
    steps: [
      ['in a=1@0', 'out a[0,10]=0+1@0'],
      ['in a=2@4', 'out a[0,10]=0+1+2@4 a[3,13]=0+2@4'],
      ['in a=3@11', 'out a[3,13]=0+2+3@11 a[6,16]=0+3@11 a[9,19]=0+3@11'],
      ['in a=4@9', 'out a[3,13]=0+2+3+4@11 a[6,16]=0+3+4@11 a[9,19]=0+3+4@11'],
      ['in a=5@13', 'out a[6,16]=0+3+4+5@13 a[9,19]=0+3+4+5@13 a[12,22]=0+5@13'],
      ['in a=6@12', 'out a[6,16]=0+3+4+5+6@13 a[9,19]=0+3+4+5+6@13 a[12,22]=0+5+6@13'],
    ],
  },
  {
    name: 'an unlimited window starts at its start, and never ends',
    source: kafka('UnlimitedWindows › shouldIncludeRecordsThatHappenedAfterWindowStart'),
    build: unlimitedFrom(10),
    steps: [
      ['in a=1@9'],
      ['in a=2@10', 'out a[10]=0+2@10'],
      ['in a=3@100000', 'out a[10]=0+2+3@100000'],
      ['in a=4@11', 'out a[10]=0+2+3+4@100000'],
    ],
  },
  {
    name: 'tumbling, out of order, a day of grace',
    source: ksql('tumbling-windows.json › out of order - no grace period'),
    build: largest(tumbling({ sizeMs: 30_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=1@89999', 'out 0[60000,90000]=1@89999'],
      ['in 0=5@10009', 'out 0[0,30000]=5@10009'],
      ['in 0=0@90000', 'out 0[90000,120000]=0@90000'],
      ['in 0=6@10010', 'out 0[0,30000]=6@10010'],
      ['in 1=100@10009', 'out 1[0,30000]=100@10009'],
      ['in 1=101@30000', 'out 1[30000,60000]=101@30000'],
      ['in 1=200@86412022', 'out 1[86400000,86430000]=200@86412022'],
      ['in 1=200@60000', 'out 1[60000,90000]=200@60000'],
    ],
  },
  {
    name: 'tumbling, out of order, a minute of grace',
    source: ksql('tumbling-windows.json › out of order - explicit grace period'),
    build: largest(tumbling({ sizeMs: 30_000, graceMs: 60_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=1@89999', 'out 0[60000,90000]=1@89999'],
      ['in 0=5@10009', 'out 0[0,30000]=5@10009'],
      ['in 0=0@90000', 'out 0[90000,120000]=0@90000'],
      ['in 0=6@10010'],
      ['in 1=100@10009'],
      ['in 1=101@30000', 'out 1[30000,60000]=101@30000'],
      ['in 1=200@86412022', 'out 1[86400000,86430000]=200@86412022'],
      ['in 1=200@60000'],
    ],
  },
  {
    name: 'hopping, out of order, a day of grace',
    source: ksql('hopping-windows.json › out of order - no grace period'),
    build: largest(hopping({ sizeMs: 30_000, advanceMs: 15_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=1@89999', 'out 0[60000,90000]=1@89999 0[75000,105000]=1@89999'],
      ['in 0=5@10009', 'out 0[0,30000]=5@10009'],
      ['in 0=0@90000', 'out 0[75000,105000]=1@90000 0[90000,120000]=0@90000'],
      ['in 0=6@10010', 'out 0[0,30000]=6@10010'],
      ['in 1=100@10009', 'out 1[0,30000]=100@10009'],
      ['in 1=101@30000', 'out 1[15000,45000]=101@30000 1[30000,60000]=101@30000'],
      ['in 1=200@86412022', 'out 1[86385000,86415000]=200@86412022 1[86400000,86430000]=200@86412022'],
      ['in 1=200@60000', 'out 1[45000,75000]=200@60000 1[60000,90000]=200@60000'],
    ],
  },
  {
    name: 'hopping, out of order, a minute of grace',
    source: ksql('hopping-windows.json › out of order - explicit grace period'),
    build: largest(hopping({ sizeMs: 30_000, advanceMs: 15_000, graceMs: 60_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=1@89999', 'out 0[60000,90000]=1@89999 0[75000,105000]=1@89999'],
      ['in 0=5@10009', 'out 0[0,30000]=5@10009'],
      ['in 0=0@90000', 'out 0[75000,105000]=1@90000 0[90000,120000]=0@90000'],
      ['in 0=6@10010'],
      ['in 1=100@10009'],
      ['in 1=101@30000', 'out 1[15000,45000]=101@30000 1[30000,60000]=101@30000'],
      ['in 1=200@86412022', 'out 1[86385000,86415000]=200@86412022 1[86400000,86430000]=200@86412022'],
      ['in 1=200@60000'],
    ],
  },
  {
    name: 'the smallest in hopping windows',
    source: ksql('hopping-windows.json › min hopping'),
    build: smallest(hopping({ sizeMs: 30_000, advanceMs: 10_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=5@10000', 'out 0[0,30000]=0@10000 0[10000,40000]=5@10000'],
      ['in 100=100@30000', 'out 100[10000,40000]=100@30000 100[20000,50000]=100@30000 100[30000,60000]=100@30000'],
    ],
  },
  {
    name: 'count in hopping windows of 5 s every second',
    source: ksql('hopping-windows.json › count'),
    build: countedIn(hopping({ sizeMs: 5_000, advanceMs: 1_000, graceMs: 86_395_000 })),
    steps: [
      [
        'in 0=0@10345',
        'out 0[6000,11000]=1@10345 0[7000,12000]=1@10345 0[8000,13000]=1@10345 0[9000,14000]=1@10345',
        'out 0[10000,15000]=1@10345',
      ],
      [
        'in 0=0@13251',
        'out 0[9000,14000]=2@13251 0[10000,15000]=2@13251 0[11000,16000]=1@13251 0[12000,17000]=1@13251',
        'out 0[13000,18000]=1@13251',
      ],
    ],
  },
  {
    name: 'the smallest in tumbling windows',
    source: ksql('tumbling-windows.json › min tumbling'),
    build: smallest(tumbling({ sizeMs: 30_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=0@0'],
      ['in 0=5@10000', 'out 0[0,30000]=0@10000'],
      ['in 100=100@30000', 'out 100[30000,60000]=100@30000'],
      ['in 100=6@45000', 'out 100[30000,60000]=6@45000'],
      ['in 100=300@50000', 'out 100[30000,60000]=6@50000'],
    ],
  },
  {
    name: 'window bounds, tumbling',
    source: ksql('window-bounds.json › table tumbling'),
    build: countedIn(tumbling({ sizeMs: 30_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=1@0'],
      ['in 0=0@10000', 'out 0[0,30000]=2@10000'],
      ['in 100=100@30000', 'out 100[30000,60000]=1@30000'],
      ['in 100=100@45000', 'out 100[30000,60000]=2@45000'],
      ['in 100=100@50000', 'out 100[30000,60000]=3@50000'],
      ['in 0=0@35000', 'out 0[30000,60000]=1@35000'],
      ['in 0=0@70000', 'out 0[60000,90000]=1@70000'],
    ],
  },
  {
    name: 'window bounds, hopping',
    source: ksql('window-bounds.json › table hopping'),
    build: countedIn(hopping({ sizeMs: 30_000, advanceMs: 5_000, graceMs: 86_370_000 })),
    steps: [
      ['in 0=0@0', 'out 0[0,30000]=1@0'],
      ['in 100=100@2000', 'out 100[0,30000]=1@2000'],
      ['in 0=0@4999', 'out 0[0,30000]=2@4999'],
      ['in 0=0@5000', 'out 0[0,30000]=3@5000 0[5000,35000]=1@5000'],
    ],
  },
  {
    name: 'a count in windows counts null values',
    source: ran,
    build: countedWithNulls(tumbling({ sizeMs: 10, graceMs: 0 })),
    steps: [
      ['in a=~@1', 'out a[0,10]=1@1'],
      ['in ~=x@30'],
      ['in a=x@5', 'out a[0,10]=2@5'],
      ['in a=~@10', 'out a[10,20]=1@10'],
      ['in a=x@9'],
      ['in a=x@20', 'out a[20,30]=1@20'],
    ],
  },
  {
    name: 'what a filter or a missing key has stopped moves no time',
    source: ran,
    build: filteredWindows(tumbling({ sizeMs: 10, graceMs: 0 })),
    steps: [
      ['in a=1@5', 'out a[0,10]=0+1@5'],
      ['in a=no@1000'],
      ['in ~=2@1000'],
      ['in a=3@6', 'out a[0,10]=0+1+3@6'],
      ['in b=4@10', 'out b[10,20]=0+4@10'],
      ['in a=5@7'],
    ],
  },
  {
    name: "a window's time is its newest record's, also out of order",
    source: ran,
    build: windowed(tumbling({ sizeMs: 10, graceMs: 100 })),
    steps: [
      ['in a=1@5', 'out a[0,10]=0+1@5'],
      ['in a=2@3', 'out a[0,10]=0+1+2@5'],
      ['in a=3@9', 'out a[0,10]=0+1+2+3@9'],
      ['in a=4@0', 'out a[0,10]=0+1+2+3+4@9'],
    ],
  },
  {
    name: 'an aggregate of windows, grouped by the key alone',
    source: ran,
    build: summedWindows,
    steps: [
      ['in a=1@5', 'out a=1@5'],
      ['in a=2@15', 'out a=2@15'],
      ['in a=3@3', 'out a=3@15'],
      ['in b=4@9', 'out b=1@9'],
    ],
  },
]);
