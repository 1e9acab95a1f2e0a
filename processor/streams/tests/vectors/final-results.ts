import {
  hopping,
  session,
  sliding,
  stringSerde,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type SessionWindows,
  type SlidingWindows,
  type StreamsBuilder,
  type Suppressed,
  type TimeWindows,
} from '../../index.ts';
import { TEXT, appended, kafka, ksql, numberText, pair, ran, windowText, type Build, type Vector } from './vector.ts';

/** Java's on-close goes on from the newest window end, and passes over windows that a jump of time has closed. */
const NONE_IS_LOST = 'no window is lost when time jumps';

type AnyWindows = TimeWindows | SessionWindows | SlidingWindows;

const counts = (builder: StreamsBuilder) =>
  builder
    .table('in', TEXT)
    .groupBy((value) => ({ key: value, value }), { name: 'by-value', value: stringSerde })
    .count({ store: 'counts' });

const countedByValue =
  (suppressed: Suppressed): Build =>
  (builder) => {
    const table = counts(builder);
    table.toStream().mapValues(numberText).to('raw', TEXT);
    table.suppress(suppressed).toStream().mapValues(numberText).to('out', TEXT);
  };

const limited =
  (suppressed: Suppressed): Build =>
  (builder) => {
    counts(builder).suppress(suppressed).toStream().mapValues(numberText).to('out', TEXT);
  };

const limitedTable =
  (suppressed: Suppressed): Build =>
  (builder) => {
    builder.table('in', TEXT).suppress(suppressed, { store: 'held' }).toStream().to('out', TEXT);
  };

const byKey = (builder: StreamsBuilder) => builder.stream('in', TEXT).groupByKey({ name: 'by-key', ...TEXT });

const finalCount =
  (windows: AnyWindows): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows)
      .count({ store: 'windows' })
      .suppress(untilWindowCloses())
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const closedCount =
  (windows: AnyWindows): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows, { emit: 'on-close' })
      .count({ store: 'windows' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const closedFiltered = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .filter((value) => value === '1')
    .groupByKey({ name: 'by-key', ...TEXT })
    .windowedBy(tumbling({ sizeMs: 2, graceMs: 1 }), { emit: 'on-close' })
    .count({ store: 'windows' })
    .toStream(windowText)
    .mapValues(numberText)
    .to('out', TEXT);
};

const closed =
  (windows: AnyWindows): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows, { emit: 'on-close' })
      .aggregate(appended(), { store: 'windows' })
      .toStream(windowText)
      .to('out', TEXT);
  };

const closedReduce =
  (windows: AnyWindows): Build =>
  (builder) => {
    byKey(builder)
      .windowedBy(windows, { emit: 'on-close' })
      .reduce((a, b) => `${a}+${b}`, { store: 'windows', ...TEXT })
      .toStream(windowText)
      .to('out', TEXT);
  };

const beforeGroupBy = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .suppress(untilTimeLimit(10), { store: 'held' })
    .groupBy((value, key) => ({ key, value }), { name: 'by-key', value: stringSerde })
    .count({ store: 'counts' })
    .toStream()
    .mapValues(numberText)
    .to('out', TEXT);
};

const beforeJoin =
  (held: 'left' | 'right'): Build =>
  (builder) => {
    const table = (topic: 'left' | 'right') => {
      const rows = builder.table(topic, TEXT);
      return topic === held ? rows.suppress(untilTimeLimit(10), { store: 'held' }) : rows;
    };
    table('left').outerJoin(table('right'), pair).toStream().to('out', TEXT);
  };

export const FINAL_RESULTS: readonly Vector[] = [
  {
    name: 'a limit of 0 holds nothing',
    source: kafka('SuppressScenario › shouldImmediatelyEmitEventsWithZeroEmitAfter'),
    build: countedByValue(untilTimeLimit(0)),
    steps: [
      ['in k1=v1@0', 'out v1=1@0', 'raw v1=1@0'],
      ['in k1=v2@1', 'out v1=0@1 v2=1@1', 'raw v1=0@1 v2=1@1'],
      ['in k2=v1@2', 'out v1=1@2', 'raw v1=1@2'],
      ['in x=x@3', 'out x=1@3', 'raw x=1@3'],
      ['in x=y@4', 'out x=0@4 y=1@4', 'raw x=0@4 y=1@4'],
    ],
  },
  {
    name: 'rows are held for the limit, from their first update',
    source: kafka('SuppressScenario › shouldSuppressIntermediateEventsWithTimeLimit'),
    build: countedByValue(untilTimeLimit(2)),
    steps: [
      ['in k1=v1@0', 'raw v1=1@0'],
      ['in k1=v2@1', 'raw v1=0@1 v2=1@1'],
      ['in k2=v1@2', 'out v1=1@2', 'raw v1=1@2'],
      ['in tick=tick@3', 'out v2=1@1', 'raw tick=1@3'],
      ['in tick=tock@4', 'raw tick=0@4 tock=1@4'],
    ],
  },
  {
    name: 'past maxRows the oldest goes early',
    source: kafka('SuppressScenario › shouldSuppressIntermediateEventsWithRecordLimit'),
    build: limited(untilTimeLimit(Infinity, { maxRows: 1 })),
    steps: [['in k1=v1@0'], ['in k1=v2@1', 'out v1=0@1'], ['in k2=v1@2', 'out v2=1@1'], ['in x=x@3', 'out v1=1@2']],
  },
  {
    name: 'final results of tumbling windows',
    source: kafka('SuppressScenario › shouldSupportFinalResultsForTimeWindows'),
    build: finalCount(tumbling({ sizeMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@1'],
      ['in k1=v1@0'],
      ['in k1=v1@5', 'out k1[0,2]=4@1 k1[2,4]=1@2'],
      ['in k1=v1@0'],
    ],
  },
  {
    name: 'final results, time jumps far',
    source: kafka('SuppressScenario › shouldSupportFinalResultsForTimeWindowsWithLargeJump'),
    build: finalCount(tumbling({ sizeMs: 2, graceMs: 2 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@0'],
      ['in k1=v1@3'],
      ['in k1=v1@0'],
      ['in k1=v1@4', 'out k1[0,2]=4@1'],
      ['in k1=v1@0'],
      ['in k1=v1@30', 'out k1[2,4]=2@3 k1[4,6]=1@4'],
    ],
  },
  {
    name: 'final results of sliding windows',
    source: kafka('SuppressScenario › shouldSupportFinalResultsForSlidingWindows'),
    build: finalCount(sliding({ differenceMs: 5, graceMs: 15 })),
    steps: [
      ['in k1=v1@10'],
      ['in k1=v1@11'],
      ['in k1=v1@10'],
      ['in k1=v1@13'],
      ['in k1=v1@10'],
      ['in k1=v1@24'],
      ['in k1=v1@5'],
      ['in k1=v1@7'],
      ['in k1=v1@90', 'out k1[5,10]=5@10 k1[6,11]=5@11 k1[8,13]=5@13 k1[11,16]=2@13 k1[12,17]=1@13 k1[19,24]=1@24'],
    ],
  },
  {
    name: 'final results of sessions',
    source: kafka('SuppressScenario › shouldSupportFinalResultsForSessionWindows'),
    build: finalCount(session({ gapMs: 5, graceMs: 0 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@5'],
      ['in k1=v1@1'],
      ['in k2=v1@11', 'out k1[0,5]=3@5'],
      ['in k1=v1@5'],
      ['in k1=v1@30', 'out k2[11,11]=1@11'],
    ],
  },
  {
    name: 'suppress before groupBy',
    source: kafka('SuppressScenario › shouldWorkBeforeGroupBy'),
    build: beforeGroupBy,
    steps: [['in A=a@0'], ['in tick=tick@10', 'out A=1@0']],
  },
  {
    name: 'suppress before a join, on the right',
    source: kafka('SuppressScenario › shouldWorkBeforeJoinRight'),
    build: beforeJoin('right'),
    steps: [
      ['right B=1@0'],
      ['right A=1@0'],
      ['right tick=tick@10', 'out A=(null,1)@0 B=(null,1)@0'],
      ['right A=2@11'],
      ['left A=a@12', 'out A=(a,1)@12'],
      ['left B=b@12', 'out B=(b,1)@12'],
      ['left A=b@13', 'out A=(b,1)@13'],
      ['right tick=tick1@21', 'out tick=(null,tick1)@21 A=(b,2)@13'],
    ],
  },
  {
    name: 'suppress before a join, on the left',
    source: kafka('SuppressScenario › shouldWorkBeforeJoinLeft'),
    build: beforeJoin('left'),
    steps: [
      ['left B=1@0'],
      ['left A=1@0'],
      ['left tick=tick@10', 'out A=(1,null)@0 B=(1,null)@0'],
      ['left A=2@11'],
      ['right A=a@12', 'out A=(1,a)@12'],
      ['right B=b@12', 'out B=(1,b)@12'],
      ['right A=b@13', 'out A=(1,b)@13'],
      ['left tick=tick1@21', 'out tick=(tick1,null)@21 A=(2,b)@13'],
    ],
  },
  {
    name: 'held until the limit',
    source: kafka('KTableSuppressProcessor › intermediateSuppressionShouldBufferAndEmitLater'),
    build: limitedTable(untilTimeLimit(1)),
    steps: [['in hey=1@0'], ['in tick=1@1', 'out hey=1@0']],
  },
  {
    name: 'tombstones are held and handed on, too',
    source: kafka('KTableSuppressProcessor › suppressShouldNotDropTombstonesForKTable'),
    build: limitedTable(untilTimeLimit(0)),
    steps: [
      ['in hey=1@0', 'out hey=1@0'],
      ['in hey=~@100', 'out hey=~@100'],
    ],
  },
  {
    name: 'past maxRows the first goes',
    source: kafka('KTableSuppressProcessor › suppressShouldEmitWhenOverRecordCapacity'),
    build: limitedTable(untilTimeLimit(86_400_000, { maxRows: 1 })),
    steps: [['in hey=1@0'], ['in dummyKey=2@1', 'out hey=1@0']],
  },
  {
    name: 'later updates take the place of the first: order and times',
    source: ran,
    build: limitedTable(untilTimeLimit(10)),
    steps: [
      ['in a=1@0'],
      ['in b=1@0'],
      ['in a=2@5'],
      ['in c=1@10', 'out a=2@5 b=1@0'],
      ['in a=3@11'],
      ['in b=~@12'],
      ['in x=1@15'],
      ['in c=~@16'],
      ['in y=1@22', 'out c=~@16 a=3@11 b=~@12'],
      ['in z=1@100', 'out x=1@15 y=1@22'],
    ],
  },
  {
    name: 'maxRows counts keys, not updates',
    source: ran,
    build: limitedTable(untilTimeLimit(1_000, { maxRows: 2 })),
    steps: [
      ['in a=1@0'],
      ['in b=1@5'],
      ['in a=2@6'],
      ['in c=1@2', 'out a=2@6'],
      ['in d=1@7', 'out c=1@2'],
      ['in d=~@8'],
      ['in a=~@9', 'out b=1@5'],
    ],
  },
  {
    name: 'on close: emit final result immediately at window end if grace is specified as zero',
    source: ksql('suppress.json › should emit final result immediately at window end if grace is specified as zero'),
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 0 })),
    steps: [['in k1=v1@0'], ['in k1=v1@1'], ['in k1=v1@2', 'out k1[0,2]=2@1']],
  },
  {
    name: 'on close: not emit final result before window end if grace is specified as zero',
    source: ksql('suppress.json › should not emit final result before window end if grace is specified as zero'),
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 0 })),
    steps: [['in k1=v1@0'], ['in k1=v1@1']],
  },
  {
    name: 'on close: include out of order events before window end plus grace period passes',
    source: ksql('suppress.json › should include out of order events before window end plus grace period passes'),
    differs: NONE_IS_LOST,
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@1'],
      ['in k1=v1@0'],
      ['in k1=v1@5', 'out k1[0,2]=4@1 k1[2,4]=1@2'],
    ],
  },
  {
    name: 'on close: drop out of order event after window end plus grace period passes',
    source: ksql('suppress.json › should drop out of order event after window end plus grace period passes'),
    differs: NONE_IS_LOST,
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@1'],
      ['in k1=v1@0'],
      ['in k1=v1@5', 'out k1[0,2]=4@1 k1[2,4]=1@2'],
      ['in k1=v1@0'],
    ],
  },
  {
    name: 'on close: drop events with no key',
    source: ksql('suppress.json › should drop events with no key'),
    differs: NONE_IS_LOST,
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in ~=v1@1'],
      ['in ~=v1@2'],
      ['in ~=v1@1'],
      ['in ~=v1@0'],
      ['in k1=v1@5', 'out k1[0,2]=1@0'],
    ],
  },
  {
    name: 'on close: support final results for tumbling windows with large jump',
    source: ksql('suppress.json › should support final results for tumbling windows with large jump'),
    differs: NONE_IS_LOST,
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 2 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@0'],
      ['in k1=v1@3'],
      ['in k1=v1@0'],
      ['in k1=v1@10', 'out k1[0,2]=4@1 k1[2,4]=2@3'],
      ['in k1=v1@0'],
      ['in k1=v1@30', 'out k1[10,12]=1@10'],
    ],
  },
  {
    name: 'on close: suppress multiple keys',
    source: ksql('suppress.json › should suppress multiple keys'),
    differs: NONE_IS_LOST,
    build: closedCount(tumbling({ sizeMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in k2=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@1'],
      ['in k2=v1@0'],
      ['in k1=v1@5', 'out k1[0,2]=2@1 k2[0,2]=2@1 k1[2,4]=1@2'],
      ['in k1=v1@0'],
      ['in k2=v1@2'],
    ],
  },
  {
    name: 'on close: final results of sessions',
    source: ksql('suppress.json › should support final results for session windows'),
    build: closedCount(session({ gapMs: 5, graceMs: 6 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@4'],
      ['in k1=v1@8'],
      ['in k1=v1@12'],
      ['in k1=v1@14'],
      ['in k1=v1@30', 'out k1[0,14]=5@14'],
      ['in k1=v1@29'],
      ['in k1=v1@17'],
      ['in k1=v1@42', 'out k1[29,30]=2@30'],
    ],
  },
  {
    name: 'on close: final results of hopping windows',
    source: ksql('suppress.json › should support final results for hopping windows'),
    differs: NONE_IS_LOST,
    build: closedCount(hopping({ sizeMs: 5, advanceMs: 2, graceMs: 1 })),
    steps: [
      ['in k1=v1@0'],
      ['in k1=v1@1'],
      ['in k1=v1@2'],
      ['in k1=v1@1'],
      ['in k1=v1@6', 'out k1[0,5]=4@2'],
      ['in k1=v1@5'],
      ['in k1=v1@10', 'out k1[2,7]=3@6 k1[4,9]=2@6'],
    ],
  },
  {
    name: 'on close: after a filter',
    source: ksql('suppress.json › should suppress after a filter WHERE clause'),
    differs: NONE_IS_LOST,
    build: closedFiltered,
    steps: [
      ['in k1=1@0'],
      ['in k1=4@1'],
      ['in k1=1@2'],
      ['in k1=3@1'],
      ['in k1=2@0'],
      ['in k1=1@5', 'out k1[0,2]=1@0 k1[2,4]=1@2'],
    ],
  },
  {
    name: 'on close: hopping windows without grace',
    source: kafka('TimeWindowedKStreamIntegration › shouldAggregateWindowedWithNoGrace'),
    differs: NONE_IS_LOST,
    build: closed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })),
    steps: [
      ['in A=1@0'],
      ['in A=2@5'],
      ['in A=3@10', 'out A[0,10]=0+1+2@5'],
      ['in B=4@6'],
      ['in B=5@11'],
      ['in B=6@15', 'out A[5,15]=0+2+3@10 B[5,15]=0+4+5@11'],
      ['in C=7@25', 'out A[10,20]=0+3@10 B[10,20]=0+5+6@15 B[15,25]=0+6@15'],
    ],
  },
  {
    name: 'on close: hopping windows with grace',
    source: kafka('TimeWindowedKStreamIntegration › shouldAggregateWindowedWithGrace'),
    differs: NONE_IS_LOST,
    build: closed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 5 })),
    steps: [
      ['in A=1@0'],
      ['in A=2@5'],
      ['in A=3@10'],
      ['in B=4@6'],
      ['in B=5@11'],
      ['in B=6@15', 'out A[0,10]=0+1+2@5 B[0,10]=0+4@6'],
      ['in C=7@25', 'out A[5,15]=0+2+3@10 B[5,15]=0+4+5@11 A[10,20]=0+3@10 B[10,20]=0+5+6@15'],
    ],
  },
  {
    name: 'on close: by window end, then key',
    source: kafka('KStreamWindowAggregate › testAggBasic'),
    differs: NONE_IS_LOST,
    build: closed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 100 })),
    steps: [
      ['in A=1@0'],
      ['in B=2@1'],
      ['in C=3@2'],
      ['in D=4@3'],
      ['in A=1@4'],
      ['in A=1@5'],
      ['in B=2@6'],
      ['in D=4@7'],
      ['in B=2@8'],
      ['in C=3@9'],
      ['in A=1@10'],
      ['in B=2@11'],
      ['in D=4@12'],
      ['in B=2@13'],
      ['in C=3@14'],
      ['in B=1@3'],
      ['in B=2@2'],
      ['in B=3@9'],
      [
        'in E=5@120',
        'out A[0,10]=0+1+1+1@5 B[0,10]=0+2+2+2+1+2+3@9 C[0,10]=0+3+3@9 D[0,10]=0+4+4@7 A[5,15]=0+1+1@10',
        'out B[5,15]=0+2+2+2+2+3@13 C[5,15]=0+3+3@14 D[5,15]=0+4+4@12 A[10,20]=0+1@10 B[10,20]=0+2+2@13',
        'out C[10,20]=0+3@14 D[10,20]=0+4@12',
      ],
    ],
  },
  {
    name: 'on close: not yet',
    source: kafka('KStreamWindowAggregate › shouldNotEmitFinalIfNotProgressEnough'),
    build: closed(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 5 })),
    steps: [['in A=1@0'], ['in B=2@5'], ['in C=3@15', 'out A[0,10]=0+1@0 B[0,10]=0+2@5'], ['in D=4@15'], ['in E=5@19']],
  },
  {
    name: 'on close: sessions',
    source: kafka('SessionWindowedKStreamImpl › shouldAggregateSessionWindowed'),
    build: closedReduce(session({ gapMs: 500, graceMs: 0 })),
    steps: [['in 1=1@10'], ['in 1=2@15'], ['in 1=3@600', 'out 1[10,15]=1+2@15'], ['in 2=1@600'], ['in 2=2@599']],
  },
  {
    name: 'on close: sliding windows',
    source: kafka('KStreamSlidingWindowAggregate › testAggregateSmallInput'),
    build: closed(sliding({ differenceMs: 10, graceMs: 5 })),
    steps: [
      ['in A=1@10'],
      ['in A=2@10'],
      ['in A=3@14'],
      ['in A=4@15'],
      ['in A=5@20', 'out A[0,10]=0+1+2@10 A[4,14]=0+1+2+3@14'],
      ['in A=6@22', 'out A[5,15]=0+1+2+3+4@15'],
      ['in A=7@30', 'out A[10,20]=0+1+2+3+4+5@20 A[11,21]=0+3+4+5@20 A[12,22]=0+3+4+5+6@22'],
    ],
  },
];
