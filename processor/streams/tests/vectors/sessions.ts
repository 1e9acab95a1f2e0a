import { session, type StreamsBuilder } from '../../index.ts';
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

const sessions = (builder: StreamsBuilder, gapMs: number, graceMs: number, retentionMs = graceMs) =>
  builder
    .stream('in', TEXT)
    .groupByKey({ name: 'by-key', ...TEXT })
    .windowedBy(session({ gapMs, graceMs, retentionMs }));

const counted =
  (gapMs: number, graceMs: number, retentionMs = graceMs): Build =>
  (builder) => {
    sessions(builder, gapMs, graceMs, retentionMs)
      .count({ store: 'sessions' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const reduce =
  (gapMs: number, graceMs: number, reducer: (a: string, b: string) => string): Build =>
  (builder) => {
    sessions(builder, gapMs, graceMs, DAY_MS)
      .reduce(reducer, { store: 'sessions', ...TEXT })
      .toStream(windowText)
      .to('out', TEXT);
  };

const reduced = (gapMs: number, graceMs: number, between = '+'): Build =>
  reduce(gapMs, graceMs, (a, b) => a + between + b);

const largest =
  (gapMs: number, graceMs: number): Build =>
  (builder) => {
    sessions(builder, gapMs, graceMs)
      .reduce((a, b) => (Number(a) >= Number(b) ? a : b), { store: 'sessions', ...TEXT })
      .toStream(windowText)
      .to('out', TEXT);
  };

/** Shows that a session is merged from an empty one on. */
const folded =
  (gapMs: number, graceMs: number): Build =>
  (builder) => {
    const merge = (older: string, newer: string): string => `${older}+${newer}`;
    sessions(builder, gapMs, graceMs, DAY_MS)
      .aggregate({ ...appended(), merge, combine: false }, { store: 'sessions' })
      .toStream(windowText)
      .to('out', TEXT);
  };

const countedWithNulls =
  (gapMs: number, graceMs: number): Build =>
  (builder) => {
    builder
      .stream('in', TEXT_OR_NULL)
      .groupByKey({ name: 'by-key', ...TEXT })
      .windowedBy(session({ gapMs, graceMs }))
      .count({ store: 'sessions' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

export const SESSIONS: readonly Vector[] = ofTables([
  {
    name: 'two records within the gap are one session',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldCreateSingleSessionWhenWithinGap'),
    build: counted(300_000, 0),
    steps: [
      ['in john=first@0', 'out john[0,0]=1@0'],
      ['in john=second@500', 'out john[0,0]=~@0 john[0,500]=2@500'],
    ],
  },
  {
    name: 'a record between two sessions merges them',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldMergeSessions'),
    build: counted(300_000, 300_000),
    steps: [
      ['in mel=first@0', 'out mel[0,0]=1@0'],
      ['in mel=second@300001', 'out mel[300001,300001]=1@300001'],
      ['in mel=third@150000', 'out mel[0,0]=~@0 mel[300001,300001]=~@300001 mel[0,300001]=3@300001'],
    ],
  },
  {
    name: 'a session that is late is not merged any more',
    source: ran,
    build: counted(300_000, 0),
    steps: [
      ['in mel=first@0', 'out mel[0,0]=1@0'],
      ['in mel=second@300001', 'out mel[300001,300001]=1@300001'],
      ['in mel=third@150000', 'out mel[300001,300001]=~@300001 mel[150000,300001]=2@300001'],
    ],
  },
  {
    name: 'a record of the same time is an update',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldUpdateSessionIfTheSameTime'),
    build: counted(300_000, 0),
    steps: [
      ['in mel=first@0', 'out mel[0,0]=1@0'],
      ['in mel=second@0', 'out mel[0,0]=2@0'],
    ],
  },
  {
    name: 'sessions of one key, further apart than the gap',
    source: kafka(
      'KStreamSessionWindowAggregateProcessor › shouldHaveMultipleSessionsForSameIdWhenTimestampApartBySessionGap',
    ),
    build: counted(300_000, 0),
    steps: [
      ['in mel=first@0', 'out mel[0,0]=1@0'],
      ['in mel=second@300001', 'out mel[300001,300001]=1@300001'],
      ['in mel=second@300001', 'out mel[300001,300001]=2@300001'],
      ['in mel=third@600002', 'out mel[600002,600002]=1@600002'],
      ['in mel=third@600002', 'out mel[600002,600002]=2@600002'],
      ['in mel=third@600002', 'out mel[600002,600002]=3@600002'],
    ],
  },
  {
    name: 'the session before is removed',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldRemoveMergedSessionsFromStateStore'),
    build: counted(300_000, 0),
    steps: [
      ['in a=1@0', 'out a[0,0]=1@0'],
      ['in a=2@100', 'out a[0,0]=~@0 a[0,100]=2@100'],
    ],
  },
  {
    name: 'several sessions and merges',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldHandleMultipleSessionsAndMerging'),
    build: counted(300_000, 0),
    steps: [
      ['in a=1@0', 'out a[0,0]=1@0'],
      ['in b=1@0', 'out b[0,0]=1@0'],
      ['in c=1@0', 'out c[0,0]=1@0'],
      ['in d=1@0', 'out d[0,0]=1@0'],
      ['in d=2@150000', 'out d[0,0]=~@0 d[0,150000]=2@150000'],
      ['in a=2@300001', 'out a[300001,300001]=1@300001'],
      ['in b=2@300001', 'out b[300001,300001]=1@300001'],
      ['in a=3@450001', 'out a[300001,300001]=~@300001 a[300001,450001]=2@450001'],
      ['in c=3@450001', 'out c[450001,450001]=1@450001'],
    ],
  },
  {
    name: 'a null key is dropped',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldLogAndMeterWhenSkippingNullKeyWithBuiltInMetrics'),
    build: counted(300_000, 0),
    steps: [['in ~=1@0'], ['in a=1@1', 'out a[1,1]=1@1']],
  },
  {
    name: 'late without grace: end + gap < stream time',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldLogAndMeterWhenSkippingLateRecordWithZeroGrace'),
    build: counted(10, 0),
    steps: [
      ['in dummy=dummy@0', 'out dummy[0,0]=1@0'],
      ['in OnTime1=1@0', 'out OnTime1[0,0]=1@0'],
      ['in dummy=dummy@11', 'out dummy[11,11]=1@11'],
      ['in Late1=1@0'],
      ['in OnTime2=1@1', 'out OnTime2[1,1]=1@1'],
    ],
  },
  {
    name: 'late with grace: end + gap + grace < stream time',
    source: kafka('KStreamSessionWindowAggregateProcessor › shouldLogAndMeterWhenSkippingLateRecordWithNonzeroGrace'),
    build: counted(10, 1),
    steps: [
      ['in dummy=dummy@0', 'out dummy[0,0]=1@0'],
      ['in OnTime1=1@0', 'out OnTime1[0,0]=1@0'],
      ['in dummy=dummy@11', 'out dummy[11,11]=1@11'],
      ['in OnTime2=1@0', 'out OnTime2[0,0]=1@0'],
      ['in dummy=dummy@12', 'out dummy[11,11]=~@11 dummy[11,12]=2@12'],
      ['in Late1=1@0'],
    ],
  },
  {
    name: 'count',
    source: kafka('SessionWindowedKStreamImpl › shouldCountSessionWindowedWithCachingDisabled'),
    build: counted(500, 0, DAY_MS),
    steps: [
      ['in 1=1@10', 'out 1[10,10]=1@10'],
      ['in 1=2@15', 'out 1[10,10]=~@10 1[10,15]=2@15'],
      ['in 1=3@600', 'out 1[600,600]=1@600'],
      ['in 2=1@600', 'out 2[600,600]=1@600'],
      ['in 2=2@599', 'out 2[600,600]=~@600 2[599,600]=2@600'],
    ],
    stores: { sessions: '1[10,15]=2 1[600,600]=1 2[599,600]=2' },
  },
  {
    name: 'reduce',
    source: kafka('SessionWindowedKStreamImpl › shouldReduceWindowed'),
    build: reduced(500, 0),
    steps: [
      ['in 1=1@10', 'out 1[10,10]=1@10'],
      ['in 1=2@15', 'out 1[10,10]=~@10 1[10,15]=1+2@15'],
      ['in 1=3@600', 'out 1[600,600]=3@600'],
      ['in 2=1@600', 'out 2[600,600]=1@600'],
      ['in 2=2@599', 'out 2[600,600]=~@600 2[599,600]=1+2@600'],
    ],
    stores: { sessions: '1[10,15]=1+2 1[600,600]=3 2[599,600]=1+2' },
  },
  {
    name: 'aggregate',
    source: kafka('SessionWindowedKStreamImpl › shouldAggregateSessionWindowed'),
    build: folded(500, 0),
    steps: [
      ['in 1=1@10', 'out 1[10,10]=0+1@10'],
      ['in 1=2@15', 'out 1[10,10]=~@10 1[10,15]=0+0+1+2@15'],
      ['in 1=3@600', 'out 1[600,600]=0+3@600'],
      ['in 2=1@600', 'out 2[600,600]=0+1@600'],
      ['in 2=2@599', 'out 2[600,600]=~@600 2[599,600]=0+0+1+2@600'],
    ],
    stores: { sessions: '1[10,15]=0+0+1+2 1[600,600]=0+3 2[599,600]=0+0+1+2' },
  },
  {
    name: 'sessions of 30, count',
    source: kafka('KGroupedStreamImpl › shouldCountSessionWindows'),
    build: counted(30, 0),
    steps: [
      ['in 1=1@10', 'out 1[10,10]=1@10'],
      ['in 2=2@15', 'out 2[15,15]=1@15'],
      ['in 1=1@30', 'out 1[10,10]=~@10 1[10,30]=2@30'],
      ['in 1=1@70', 'out 1[70,70]=1@70'],
      ['in 1=1@100', 'out 1[70,70]=~@70 1[70,100]=2@100'],
      ['in 1=1@90', 'out 1[70,100]=3@100'],
    ],
  },
  {
    name: 'sessions of 30, reduce',
    source: kafka('KGroupedStreamImpl › shouldReduceSessionWindows'),
    build: reduced(30, 0, ':'),
    steps: [
      ['in 1=A@10', 'out 1[10,10]=A@10'],
      ['in 2=Z@15', 'out 2[15,15]=Z@15'],
      ['in 1=B@30', 'out 1[10,10]=~@10 1[10,30]=A:B@30'],
      ['in 1=A@70', 'out 1[70,70]=A@70'],
      ['in 1=B@100', 'out 1[70,70]=~@70 1[70,100]=A:B@100'],
      ['in 1=C@90', 'out 1[70,100]=A:B:C@100'],
    ],
  },
  {
    name: 'merging keeps the order of time, not of arrival',
    source: ran,
    build: reduced(10, 1_000, ':'),
    steps: [
      ['in a=1@0', 'out a[0,0]=1@0'],
      ['in a=2@20', 'out a[20,20]=2@20'],
      ['in a=3@10', 'out a[0,0]=~@0 a[20,20]=~@20 a[0,20]=1:2:3@20'],
      ['in a=4@40', 'out a[40,40]=4@40'],
      ['in a=5@60', 'out a[60,60]=5@60'],
      ['in a=6@50', 'out a[40,40]=~@40 a[60,60]=~@60 a[40,60]=4:5:6@60'],
      ['in a=7@30', 'out a[0,20]=~@20 a[40,60]=~@60 a[0,60]=1:2:3:4:5:6:7@60'],
    ],
  },
  {
    name: 'sessions, out of order, a day of grace',
    source: ksql('session-windows.json › out of order - no grace period'),
    build: largest(30_000, 86_370_000),
    steps: [
      ['in 0=0@0', 'out 0[0,0]=0@0'],
      ['in 0=1@70010', 'out 0[70010,70010]=1@70010'],
      ['in 0=5@10009', 'out 0[0,0]=~@0 0[0,10009]=5@10009'],
      ['in 0=6@10010', 'out 0[0,10009]=~@10009 0[0,10010]=6@10010'],
      ['in 1=100@10009', 'out 1[10009,10009]=100@10009'],
      ['in 1=101@10010', 'out 1[10009,10009]=~@10009 1[10009,10010]=101@10010'],
      ['in 1=200@86412022', 'out 1[86412022,86412022]=200@86412022'],
      ['in 1=200@60000', 'out 1[60000,60000]=200@60000'],
    ],
  },
  {
    name: 'sessions, out of order, a minute of grace',
    source: ksql('session-windows.json › out of order - explicit grace period'),
    build: largest(30_000, 60_000),
    steps: [
      ['in 0=0@0', 'out 0[0,0]=0@0'],
      ['in 0=1@100010', 'out 0[100010,100010]=1@100010'],
      ['in 0=5@10009'],
      ['in 0=6@10010', 'out 0[10010,10010]=6@10010'],
      ['in 1=100@10009'],
      ['in 1=101@10010', 'out 1[10010,10010]=101@10010'],
      ['in 1=200@86412022', 'out 1[86412022,86412022]=200@86412022'],
      ['in 1=200@60000'],
    ],
  },
  {
    name: 'session starts',
    source: ksql('session-windows.json › session start stream'),
    build: counted(5_000, 86_395_000),
    steps: [
      ['in 5=5@0', 'out 5[0,0]=1@0'],
      ['in 5=5@1000', 'out 5[0,0]=~@0 5[0,1000]=2@1000'],
      ['in 5=5@2000', 'out 5[0,1000]=~@1000 5[0,2000]=3@2000'],
      ['in 5=5@70000', 'out 5[70000,70000]=1@70000'],
    ],
  },
  {
    name: 'window bounds of sessions',
    source: ksql('window-bounds.json › table session'),
    build: counted(30_000, 86_370_000),
    steps: [
      ['in 0=0@0', 'out 0[0,0]=1@0'],
      ['in 0=0@10000', 'out 0[0,0]=~@0 0[0,10000]=2@10000'],
      ['in 1=1@10000', 'out 1[10000,10000]=1@10000'],
      ['in 1=1@40000', 'out 1[10000,10000]=~@10000 1[10000,40000]=2@40000'],
    ],
  },
  {
    name: 'null values count in sessions',
    source: ran,
    build: countedWithNulls(10, 20),
    steps: [
      ['in a=~@0', 'out a[0,0]=1@0'],
      ['in a=x@5', 'out a[0,0]=~@0 a[0,5]=2@5'],
      ['in a=~@25', 'out a[25,25]=1@25'],
    ],
  },
  {
    name: 'a session of two merges at both edges of the gap',
    source: ran,
    build: counted(10, 100),
    steps: [
      ['in a=x@10', 'out a[10,10]=1@10'],
      ['in a=x@20', 'out a[10,10]=~@10 a[10,20]=2@20'],
      ['in a=x@0', 'out a[10,20]=~@20 a[0,20]=3@20'],
      ['in a=x@31', 'out a[31,31]=1@31'],
      ['in a=x@41', 'out a[31,31]=~@31 a[31,41]=2@41'],
      ['in a=x@21', 'out a[0,20]=~@20 a[31,41]=~@41 a[0,41]=6@41'],
    ],
  },
]);
