import { stringSerde, versionedStore, type KStream, type StreamsBuilder } from '../../index.ts';
import { TEXT, dash, kafka, ksql, plus, ran, type Build, type Text, type Vector } from './vector.ts';

type Kind = 'join' | 'leftJoin';
type Joiner = (left: string, right: Text) => string;

const joined =
  (kind: Kind, joiner: Joiner = plus): Build =>
  (builder) => {
    const stream = builder.stream('left', TEXT);
    const table = builder.table('right', TEXT);
    (kind === 'join' ? stream.join(table, joiner) : stream.leftJoin(table, joiner)).to('out', TEXT);
  };

/** The table keeps five minutes of history, and the stream waits for `graceMs`. */
const asOf =
  (kind: Kind, joiner: Joiner, graceMs?: number): Build =>
  (builder) => {
    const stream = builder.stream('left', TEXT);
    const store = versionedStore('rows', { value: stringSerde, historyMs: 300_000 });
    const table = builder.table('right', { ...TEXT, store });
    const options = graceMs === undefined ? {} : { name: 'waiting', graceMs };
    (kind === 'join' ? stream.join(table, joiner, options) : stream.leftJoin(table, joiner, options)).to('out', TEXT);
  };

function globalJoin(kind: Kind, keyOf: (value: string) => Text): Build {
  return (builder) => {
    const stream: KStream<Text, string> = builder.stream('stream', TEXT);
    const table = builder.globalTable('global', TEXT);
    const options = { key: keyOf };
    const out = kind === 'join' ? stream.join(table, plus, options) : stream.leftJoin(table, plus, options);
    out.to('out', TEXT);
  };
}

/** By what stands behind the comma of a value. */
const global = (kind: Kind): Build => globalJoin(kind, (value) => value.split(',')[1] ?? null);

const byValue = (kind: Kind): Build => globalJoin(kind, (value) => value);

const rekeyed = (builder: StreamsBuilder): void => {
  const stream = builder.stream('left', TEXT).selectKey((value) => value.split('|')[0] ?? '');
  stream.join(builder.table('right', TEXT), plus, { name: 'by-field' }).to('out', TEXT);
};

const keyOrNull =
  (kind: Kind): Build =>
  (builder) => {
    const stream = builder.stream('left', TEXT).selectKey((value) => (value === 'n' ? null : value));
    const table = builder.table('right', TEXT);
    const options = { name: 'again' };
    (kind === 'join' ? stream.join(table, plus, options) : stream.leftJoin(table, plus, options)).to('out', TEXT);
  };

const withItsCounts = (builder: StreamsBuilder): void => {
  const stream = builder.stream('left', TEXT);
  const counts = stream.groupByKey({ name: 'by-key', ...TEXT }).count({ store: 'counts' });
  stream.join(counts, (value, count) => `${value}+${String(count)}`).to('out', TEXT);
};

export const STREAM_TABLE_JOINS: readonly Vector[] = [
  {
    name: 'an empty table gives nothing',
    source: kafka('KStreamKTableJoin › shouldNotJoinWithEmptyTableOnStreamUpdates'),
    build: joined('join'),
    steps: [['left 0=X0@0 1=X1@1']],
  },
  {
    name: 'the table triggers nothing',
    source: kafka('KStreamKTableJoin › shouldNotJoinOnTableUpdates'),
    build: joined('join'),
    steps: [
      ['left 0=X0@0 1=X1@1'],
      ['right 0=Y0@0 1=Y1@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1'],
      ['right 0=YY0@0 1=YY1@0 2=YY2@0 3=YY3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+YY0@0 1=X1+YY1@1 2=X2+YY2@2 3=X3+YY3@3'],
      ['right 0=YYY0@0 1=YYY1@0 2=YYY2@0 3=YYY3@0'],
    ],
  },
  {
    name: 'only what is matched',
    source: kafka('KStreamKTableJoin › shouldJoinOnlyIfMatchFoundOnStreamUpdates'),
    build: joined('join'),
    steps: [['right 0=Y0@0 1=Y1@0'], ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1']],
  },
  {
    name: 'a row that was deleted is none',
    source: kafka('KStreamKTableJoin › shouldClearTableEntryOnNullValueUpdates'),
    build: joined('join'),
    steps: [
      ['right 0=Y0@0 1=Y1@0 2=Y2@0 3=Y3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1 2=X2+Y2@2 3=X3+Y3@3'],
      ['right 0=~@0 1=~@0'],
      ['left 0=XX0@0 1=XX1@1 2=XX2@2 3=XX3@3', 'out 2=XX2+Y2@2 3=XX3+Y3@3'],
    ],
  },
  {
    name: 'a null key is dropped',
    source: kafka('KStreamKTableJoin › shouldLogAndMeterWhenSkippingNullLeftKey'),
    build: joined('join'),
    steps: [['right A=a@0'], ['left ~=A@0']],
  },
  {
    name: 'a null value is dropped',
    source: kafka('KStreamKTableJoin › shouldLogAndMeterWhenSkippingNullLeftValue'),
    build: joined('join'),
    steps: [['right 1=a@0'], ['left 1=~@0']],
  },
  {
    name: 'with grace: held until stream time has passed',
    source: kafka('KStreamKTableJoin › shouldDelayJoinByGracePeriod'),
    build: asOf('join', plus, 2),
    steps: [
      ['right 0=Y0@0 1=Y1@0 2=Y2@0 3=Y3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1'],
      ['right 0=YY0@0 1=YY1@0 2=YY2@0 3=YY3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+YY0@0 1=X1+YY1@1'],
      ['left 5=test@7', 'out 2=X2+YY2@2 2=X2+YY2@2 3=X3+YY3@3 3=X3+YY3@3'],
      ['right 0=YYY0@0 1=YYY1@0 2=YYY2@0 3=YYY3@0'],
    ],
  },
  {
    name: 'with grace: late ones join at once',
    source: kafka('KStreamKTableJoin › shouldHandleLateJoinsWithGracePeriod'),
    build: asOf('join', plus, 2),
    steps: [
      ['right 0=Y0@0 1=Y1@0 2=Y2@0 3=Y3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1'],
      ['left 0=X0@0', 'out 0=X0+Y0@0'],
    ],
  },
  {
    name: 'left: an empty table gives null',
    source: kafka('KStreamKTableLeftJoin › shouldJoinWithEmptyTableOnStreamUpdates'),
    build: joined('leftJoin'),
    steps: [['left 0=X0@0 1=X1@1', 'out 0=X0+null@0 1=X1+null@1']],
  },
  {
    name: 'left: the table triggers nothing',
    source: kafka('KStreamKTableLeftJoin › shouldNotJoinOnTableUpdates'),
    build: joined('leftJoin'),
    steps: [
      ['left 0=X0@0 1=X1@1', 'out 0=X0+null@0 1=X1+null@1'],
      ['right 0=Y0@0 1=Y1@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1 2=X2+null@2 3=X3+null@3'],
      ['right 0=YY0@0 1=YY1@0 2=YY2@0 3=YY3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+YY0@0 1=X1+YY1@1 2=X2+YY2@2 3=X3+YY3@3'],
      ['right 0=YYY0@0 1=YYY1@0 2=YYY2@0 3=YYY3@0'],
    ],
  },
  {
    name: 'left: matched or not',
    source: kafka('KStreamKTableLeftJoin › shouldJoinRegardlessIfMatchFoundOnStreamUpdates'),
    build: joined('leftJoin'),
    steps: [
      ['right 0=Y0@0 1=Y1@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1 2=X2+null@2 3=X3+null@3'],
    ],
  },
  {
    name: 'left: a row that was deleted is null',
    source: kafka('KStreamKTableLeftJoin › shouldClearTableEntryOnNullValueUpdates'),
    build: joined('leftJoin'),
    steps: [
      ['right 0=Y0@0 1=Y1@0 2=Y2@0 3=Y3@0'],
      ['left 0=X0@0 1=X1@1 2=X2@2 3=X3@3', 'out 0=X0+Y0@0 1=X1+Y1@1 2=X2+Y2@2 3=X3+Y3@3'],
      ['right 0=~@0 1=~@0'],
      ['left 0=XX0@0 1=XX1@1 2=XX2@2 3=XX3@3', 'out 0=XX0+null@0 1=XX1+null@1 2=XX2+Y2@2 3=XX3+Y3@3'],
    ],
  },
  {
    name: 'the standard list of records, inner',
    source: kafka('StreamTableJoinIntegration › testInner'),
    build: joined('join', dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-d@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'the standard list of records, left',
    source: kafka('StreamTableJoinIntegration › testLeft'),
    build: joined('leftJoin', dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-d@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-null@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'a versioned table is read as of the time of the stream, inner',
    source: kafka('StreamTableJoinIntegration › testInnerWithVersionedStore'),
    build: asOf('join', dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-b@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-a@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'a versioned table is read as of the time of the stream, left',
    source: kafka('StreamTableJoinIntegration › testLeftWithVersionedStore'),
    build: asOf('leftJoin', dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-b@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-a@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'the standard list of records with grace, inner',
    source: kafka('StreamTableJoinWithGraceIntegration › testInnerWithVersionedStore'),
    build: asOf('join', dash, 2),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4'],
      ['left X=B@5'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=B-a@5'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-b@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-a@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'the standard list of records with grace, left',
    source: kafka('StreamTableJoinWithGraceIntegration › testLeftWithVersionedStore'),
    build: asOf('leftJoin', dash, 2),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4'],
      ['left X=B@5', 'out X=A-null@3'],
      ['right X=b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=B-a@5'],
      ['right X=c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-b@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=C-null@9'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-a@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'left: a null key comes out with null',
    source: kafka('RelaxedNullKeyRequirementJoin › testRelaxedLeftStreamTableJoin'),
    build: joined('leftJoin'),
    steps: [['left ~=leftValue@1', 'out ~=leftValue+null@1']],
  },
  {
    name: 'global: an empty table gives nothing',
    source: kafka('KStreamGlobalKTableJoin › shouldNotJoinWithEmptyGlobalTableOnStreamUpdates'),
    build: global('join'),
    steps: [['stream 0=X0,FKey0@0 1=X1,FKey1@1']],
  },
  {
    name: 'global: the table triggers nothing',
    source: kafka('KStreamGlobalKTableJoin › shouldNotJoinOnGlobalTableUpdates'),
    build: global('join'),
    steps: [
      ['stream 0=X0,FKey0@0 1=X1,FKey1@1'],
      ['global FKey0=Y0@0 FKey1=Y1@0'],
      ['stream 0=X0,FKey0@2 1=X1,FKey1@3 2=X2,FKey2@4 3=X3,FKey3@5', 'out 0=X0,FKey0+Y0@2 1=X1,FKey1+Y1@3'],
      ['global FKey0=YY0@0 FKey1=YY1@0 FKey2=YY2@0 FKey3=YY3@0'],
      [
        'stream 0=X0,FKey0@6 1=X1,FKey1@7 2=X2,FKey2@8 3=X3,FKey3@9',
        'out 0=X0,FKey0+YY0@6 1=X1,FKey1+YY1@7 2=X2,FKey2+YY2@8 3=X3,FKey3+YY3@9',
      ],
      ['global FKey0=YYY0@0 FKey1=YYY1@0 FKey2=YYY2@0 FKey3=YYY3@0'],
    ],
  },
  {
    name: 'global: only what is matched',
    source: kafka('KStreamGlobalKTableJoin › shouldJoinOnlyIfMatchFoundOnStreamUpdates'),
    build: global('join'),
    steps: [
      ['global FKey0=Y0@0 FKey1=Y1@0'],
      ['stream 0=X0,FKey0@0 1=X1,FKey1@1 2=X2,FKey2@2 3=X3,FKey3@3', 'out 0=X0,FKey0+Y0@0 1=X1,FKey1+Y1@1'],
    ],
  },
  {
    name: 'global: a row that was deleted is none',
    source: kafka('KStreamGlobalKTableJoin › shouldClearGlobalTableEntryOnNullValueUpdates'),
    build: global('join'),
    steps: [
      ['global FKey0=Y0@0 FKey1=Y1@0 FKey2=Y2@0 FKey3=Y3@0'],
      [
        'stream 0=X0,FKey0@0 1=X1,FKey1@1 2=X2,FKey2@2 3=X3,FKey3@3',
        'out 0=X0,FKey0+Y0@0 1=X1,FKey1+Y1@1 2=X2,FKey2+Y2@2 3=X3,FKey3+Y3@3',
      ],
      ['global FKey0=~@0 FKey1=~@0'],
      ['stream 0=XX0,FKey0@4 1=XX1,FKey1@5 2=XX2,FKey2@6 3=XX3,FKey3@7', 'out 2=XX2,FKey2+Y2@6 3=XX3,FKey3+Y3@7'],
    ],
  },
  {
    name: 'global: a null mapped key is dropped',
    source: kafka('KStreamGlobalKTableJoin › shouldNotJoinOnNullKeyMapperValues'),
    build: global('join'),
    steps: [['global FKey0=Y0@0 FKey1=Y1@0 FKey2=Y2@0 FKey3=Y3@0'], ['stream 0=XXX0@0 1=XXX1@1']],
  },
  {
    name: 'global: a null key joins by its mapped key',
    source: kafka('KStreamGlobalKTableJoin › shouldJoinOnNullKeyWithNonNullKeyMapperValues'),
    build: global('join'),
    steps: [
      ['global FKey0=Y0@0 FKey1=Y1@0'],
      ['stream ~=X0,FKey0@0 1=X1,FKey1@1 2=X2,FKey2@2', 'out ~=X0,FKey0+Y0@0 1=X1,FKey1+Y1@1'],
    ],
  },
  {
    name: 'global, left: the table triggers nothing',
    source: kafka('KStreamGlobalKTableLeftJoin › shouldNotJoinOnGlobalTableUpdates'),
    build: global('leftJoin'),
    steps: [
      ['stream 0=X0,FKey0@0 1=X1,FKey1@1', 'out 0=X0,FKey0+null@0 1=X1,FKey1+null@1'],
      ['global FKey0=Y0@0 FKey1=Y1@0'],
      [
        'stream 0=X0,FKey0@2 1=X1,FKey1@3 2=X2,FKey2@4 3=X3,FKey3@5',
        'out 0=X0,FKey0+Y0@2 1=X1,FKey1+Y1@3 2=X2,FKey2+null@4 3=X3,FKey3+null@5',
      ],
      ['global FKey0=YY0@0 FKey1=YY1@0 FKey2=YY2@0 FKey3=YY3@0'],
      [
        'stream 0=X0,FKey0@6 1=X1,FKey1@7 2=X2,FKey2@8 3=X3,FKey3@9',
        'out 0=X0,FKey0+YY0@6 1=X1,FKey1+YY1@7 2=X2,FKey2+YY2@8 3=X3,FKey3+YY3@9',
      ],
      ['global FKey0=YYY0@0 FKey1=YYY1@0 FKey2=YYY2@0 FKey3=YYY3@0'],
    ],
  },
  {
    name: 'global, left: a row that was deleted is null',
    source: kafka('KStreamGlobalKTableLeftJoin › shouldClearGlobalTableEntryOnNullValueUpdates'),
    build: global('leftJoin'),
    steps: [
      ['global FKey0=Y0@0 FKey1=Y1@0 FKey2=Y2@0 FKey3=Y3@0'],
      [
        'stream 0=X0,FKey0@0 1=X1,FKey1@1 2=X2,FKey2@2 3=X3,FKey3@3',
        'out 0=X0,FKey0+Y0@0 1=X1,FKey1+Y1@1 2=X2,FKey2+Y2@2 3=X3,FKey3+Y3@3',
      ],
      ['global FKey0=~@0 FKey1=~@0'],
      [
        'stream 0=XX0,FKey0@4 1=XX1,FKey1@5 2=XX2,FKey2@6 3=XX3,FKey3@7',
        'out 0=XX0,FKey0+null@4 1=XX1,FKey1+null@5 2=XX2,FKey2+Y2@6 3=XX3,FKey3+Y3@7',
      ],
    ],
  },
  {
    name: 'global, left: a null key joins by its mapped key',
    source: kafka('KStreamGlobalKTableLeftJoin › shouldJoinOnNullKeyWithNonNullKeyMapperValues'),
    build: global('leftJoin'),
    steps: [
      ['global FKey0=Y0@0 FKey1=Y1@0 FKey2=Y2@0 FKey3=Y3@0'],
      ['stream ~=X0,FKey0@0 1=X1,FKey1@1 2=X2,FKey2@2', 'out ~=X0,FKey0+Y0@0 1=X1,FKey1+Y1@1 2=X2,FKey2+Y2@2'],
    ],
  },
  {
    name: 'global, left: a null mapped key comes out with null',
    source: kafka('RelaxedNullKeyRequirementJoin › testRelaxedLeftStreamGlobalTableJoin'),
    build: global('leftJoin'),
    steps: [
      ['stream ~=leftValue@1', 'out ~=leftValue+null@1'],
      ['stream 1=leftValue@2', 'out 1=leftValue+null@2'],
    ],
  },
  {
    name: 'global: the time is that of the stream',
    source: kafka('GlobalKTableJoins › shouldInnerJoinWithStream'),
    build: byValue('join'),
    steps: [['global a=A@1 b=B@5'], ['stream 1=a@2 2=b@10 3=c@3', 'out 1=a+A@2 2=b+B@10']],
  },
  {
    name: 'global, left: the time is that of the stream',
    source: kafka('GlobalKTableJoins › shouldLeftJoinWithStream'),
    build: byValue('leftJoin'),
    steps: [['global a=A@1 b=B@5'], ['stream 1=a@2 2=b@10 3=c@3', 'out 1=a+A@2 2=b+B@10 3=c+null@3']],
  },
  {
    name: 'an update of the table counts from then on',
    source: ksql('joins.json › stream table inner join'),
    build: joined('join'),
    steps: [
      ['right 0=zero|0@0'],
      ['right 10=100|5@10000'],
      ['left 0=blah|50@10000', 'out 0=blah|50+zero|0@10000'],
      ['left 0=foo|100@10000', 'out 0=foo|100+zero|0@10000'],
      ['right 0=a|10@15000'],
      ['left 0=bar|99@15000', 'out 0=bar|99+a|10@15000'],
      ['left 90=ninety|90@15000'],
    ],
  },
  {
    name: 'left: an update of the table counts from then on',
    source: ksql('joins.json › stream table left join'),
    build: joined('leftJoin'),
    steps: [
      ['right 0=zero|0@0'],
      ['right 10=100|5@10000'],
      ['left 0=blah|50@10000', 'out 0=blah|50+zero|0@10000'],
      ['left 0=foo|100@10000', 'out 0=foo|100+zero|0@10000'],
      ['right 0=a|10@15000'],
      ['left 0=bar|99@15000', 'out 0=bar|99+a|10@15000'],
      ['left 90=ninety|90@15000', 'out 90=ninety|90+null@15000'],
    ],
  },
  {
    name: 'a stream without keys, joined with a table by what is in it',
    source: ksql('joins.json › streams with no key columns (stream->table)'),
    build: rekeyed,
    steps: [['right 0=-1|-2@10'], ['left ignored=0|1|2@11', 'out 0=0|1|2+-1|-2@11']],
  },
  {
    name: 'left: a key that becomes null comes out with null',
    source: ran,
    build: keyOrNull('leftJoin'),
    steps: [['right x=t@1'], ['left ~=x@1', 'out x=x+t@1'], ['left a=n@2', 'out ~=n+null@2']],
  },
  {
    name: 'inner: a key that becomes null is dropped',
    source: ran,
    build: keyOrNull('join'),
    steps: [['right x=t@1'], ['left ~=x@1', 'out x=x+t@1'], ['left a=n@2']],
  },
  {
    name: 'with grace: in order of time, each as of its own time',
    source: ran,
    build: asOf('join', plus, 10),
    steps: [
      ['right a=t0@0'],
      ['left a=A@0'],
      ['right a=t5@5'],
      ['left a=B@5'],
      ['left a=C@3'],
      ['right a=t12@12'],
      ['left a=D@10', 'out a=A+t0@0'],
      ['left b=X@15', 'out a=C+t0@3 a=B+t5@5'],
      ['left a=E@4', 'out a=E+t0@4'],
      ['left a=F@26', 'out a=D+t5@10'],
      ['right a=t2@1'],
      ['left a=G@40', 'out a=F+t12@26'],
    ],
  },
  {
    name: 'a stream joined with a table of its own counts',
    source: ran,
    build: withItsCounts,
    steps: [
      ['left a=A@1', 'out a=A+1@1'],
      ['left a=B@2', 'out a=B+2@2'],
      ['left b=C@3', 'out b=C+1@3'],
    ],
  },
];
