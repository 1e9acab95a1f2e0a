import { stringSerde, tumbling, session, type KGroupedStream, type StreamsBuilder } from '../../index.ts';
import {
  TEXT,
  TEXT_OR_NULL,
  appended,
  kafka,
  ksql,
  numberText,
  ofTables,
  plus,
  ran,
  windowText,
  type Build,
  type Text,
  type Vector,
} from './vector.ts';

const byKey = (builder: StreamsBuilder, topic = 'in'): KGroupedStream<string, Text> =>
  builder.stream(topic, TEXT_OR_NULL).groupByKey({ name: `${topic}-by-key`, ...TEXT });

const counted = (builder: StreamsBuilder): void => {
  byKey(builder).count({ store: 'counts' }).toStream().mapValues(numberText).to('out', TEXT);
};

const reduced = (builder: StreamsBuilder): void => {
  byKey(builder)
    .reduce((a, b) => plus(a, b), { store: 'sums', ...TEXT })
    .toStream()
    .to('out', TEXT);
};

const aggregated = (builder: StreamsBuilder): void => {
  byKey(builder)
    .aggregate({ ...appended(), add: (sum, value) => plus(sum, value) }, { store: 'sums' })
    .toStream()
    .to('out', TEXT);
};

const countedByValue = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .groupBy((value) => (value === 'null' ? null : value), { name: 'by-value', ...TEXT })
    .count({ store: 'counts' })
    .toStream()
    .mapValues(numberText)
    .to('out', TEXT);
};

const aggregatedOrGone = (builder: StreamsBuilder): void => {
  byKey(builder)
    .aggregate(
      { empty: () => '0', add: (sum: string, value) => (value === 'd' ? null : plus(sum, value)), serde: stringSerde },
      { store: 'sums' },
    )
    .toStream()
    .to('out', TEXT);
};

const text = (add: (sum: string, value: Text) => string, empty = '0') => ({
  empty: () => empty,
  add,
  serde: stringSerde,
});

const joinedOn = text((sum, value) => sum + String(value), '');
const added = text((sum, value) => `${sum}+${String(value)}`);
const subtracted = text((sum, value) => `${sum}-${String(value)}`);

const cogroup = (builder: StreamsBuilder, [first = '', ...others]: readonly string[]) => {
  let all = byKey(builder, first).cogroup(joinedOn);
  for (const topic of others) all = all.cogroup(byKey(builder, topic), joinedOn);
  return all.aggregate({ store: 'together' });
};

const cogrouped =
  (topics: readonly string[]): Build =>
  (builder) => {
    cogroup(builder, topics).toStream().to('out', TEXT);
  };

const cogroupedApart = (builder: StreamsBuilder): void => {
  byKey(builder, 'one')
    .cogroup(subtracted)
    .cogroup(byKey(builder, 'two'), added)
    .aggregate({ store: 'together' })
    .toStream()
    .to('out', TEXT);
};

const cogroupedThenJoined = (builder: StreamsBuilder): void => {
  cogroup(builder, ['one', 'two']).join(builder.table('three', TEXT), plus).toStream().to('out', TEXT);
};

const cogroupedWindows = (builder: StreamsBuilder): void => {
  byKey(builder, 'one')
    .cogroup(added)
    .cogroup(byKey(builder, 'two'), subtracted)
    .windowedBy(tumbling({ sizeMs: 500, graceMs: 0 }))
    .aggregate({ store: 'together' })
    .toStream(windowText)
    .to('out', TEXT);
};

const cogroupedSessions = (builder: StreamsBuilder): void => {
  const merge = (older: string, newer: string): string => (older === '0' ? newer : `${older}|${newer}`);
  byKey(builder, 'one')
    .cogroup({ ...added, merge, combine: false })
    .cogroup(byKey(builder, 'two'), { ...subtracted, merge, combine: false })
    .windowedBy(session({ gapMs: 500, graceMs: 0 }))
    .aggregate({ store: 'together' })
    .toStream(windowText)
    .to('out', TEXT);
};

export const AGGREGATES: readonly Vector[] = ofTables([
  {
    name: 'count',
    source: kafka('KGroupedStreamImpl › shouldCountAndMaterializeResults'),
    build: counted,
    steps: [
      ['in 1=A@5', 'out 1=1@5'],
      ['in 2=B@1', 'out 2=1@1'],
      ['in 1=C@3', 'out 1=2@5'],
      ['in 1=D@10', 'out 1=3@10'],
      ['in 3=E@8', 'out 3=1@8'],
      ['in 3=F@9', 'out 3=2@9'],
      ['in 3=~@11'],
      ['in ~=G@12'],
    ],
    stores: { counts: '1=3 2=1 3=2' },
  },
  {
    name: 'reduce',
    source: kafka('KGroupedStreamImpl › shouldReduceAndMaterializeResults'),
    build: reduced,
    steps: [
      ['in 1=A@5', 'out 1=A@5'],
      ['in 2=B@1', 'out 2=B@1'],
      ['in 1=C@3', 'out 1=A+C@5'],
      ['in 1=D@10', 'out 1=A+C+D@10'],
      ['in 3=E@8', 'out 3=E@8'],
      ['in 3=F@9', 'out 3=E+F@9'],
      ['in 3=~@11'],
      ['in ~=G@12'],
    ],
    stores: { sums: '1=A+C+D 2=B 3=E+F' },
  },
  {
    name: 'aggregate',
    source: kafka('KGroupedStreamImpl › shouldAggregateAndMaterializeResults'),
    build: aggregated,
    steps: [
      ['in 1=A@5', 'out 1=0+A@5'],
      ['in 2=B@1', 'out 2=0+B@1'],
      ['in 1=C@3', 'out 1=0+A+C@5'],
      ['in 1=D@10', 'out 1=0+A+C+D@10'],
      ['in 3=E@8', 'out 3=0+E@8'],
      ['in 3=F@9', 'out 3=0+E+F@9'],
      ['in 3=~@11'],
      ['in ~=G@12'],
    ],
    stores: { sums: '1=0+A+C+D 2=0+B 3=0+E+F' },
  },
  {
    name: 'groupBy drops a null key, and counts by the new one',
    source: ksql('group-by.json › should exclude any stream row whose single GROUP BY expression resolves to NULL'),
    build: countedByValue,
    steps: [
      ['in 0=null@0'],
      ['in 1=a@1', 'out a=1@1'],
      ['in ~=a@2', 'out a=2@2'],
      ['in 3=null@3'],
      ['in 4=b@4', 'out b=1@4'],
    ],
  },
  {
    name: 'a null from add is no row, and the next add starts anew',
    source: ran,
    build: aggregatedOrGone,
    steps: [
      ['in a=d@1', 'out a=~@1'],
      ['in a=x@10', 'out a=0+x@10'],
      ['in a=d@5', 'out a=~@10'],
      ['in a=y@3', 'out a=0+y@3'],
    ],
  },
  {
    name: 'cogroup of one stream',
    source: kafka('CogroupedKStreamImpl › shouldCogroupAndAggregateSingleKStreams'),
    build: cogrouped(['one']),
    steps: [
      ['one k1=A@0', 'out k1=A@0'],
      ['one k2=B@0', 'out k2=B@0'],
      ['one k2=B@0', 'out k2=BB@0'],
      ['one k1=A@0', 'out k1=AA@0'],
    ],
  },
  {
    name: 'cogroup skips null values',
    source: kafka('CogroupedKStreamImpl › testCogroupHandleNullValues'),
    build: cogrouped(['one']),
    steps: [
      ['one k1=A@0', 'out k1=A@0'],
      ['one k2=B@0', 'out k2=B@0'],
      ['one k2=~@0'],
      ['one k2=B@0', 'out k2=BB@0'],
      ['one k1=A@0', 'out k1=AA@0'],
    ],
  },
  {
    name: 'cogroup of two streams, keys apart',
    source: kafka('CogroupedKStreamImpl › shouldCogroupAndAggregateTwoKStreamsWithDistinctKeys'),
    build: cogrouped(['one', 'two']),
    steps: [
      ['one k1=A@0', 'out k1=A@0'],
      ['one k1=A@1', 'out k1=AA@1'],
      ['one k1=A@10', 'out k1=AAA@10'],
      ['one k1=A@100', 'out k1=AAAA@100'],
      ['two k2=B@100', 'out k2=B@100'],
      ['two k2=B@200', 'out k2=BB@200'],
      ['two k2=B@1', 'out k2=BBB@200'],
      ['two k2=B@500', 'out k2=BBBB@500'],
      ['two k2=B@500', 'out k2=BBBBB@500'],
      ['two k2=B@100', 'out k2=BBBBBB@500'],
    ],
  },
  {
    name: 'cogroup of two streams, keys shared',
    source: kafka('CogroupedKStreamImpl › shouldCogroupAndAggregateTwoKStreamsWithSharedKeys'),
    build: cogrouped(['one', 'two']),
    steps: [
      ['one k1=A@0', 'out k1=A@0'],
      ['one k2=A@1', 'out k2=A@1'],
      ['one k1=A@10', 'out k1=AA@10'],
      ['one k2=A@100', 'out k2=AA@100'],
      ['two k2=B@100', 'out k2=AAB@100'],
      ['two k2=B@200', 'out k2=AABB@200'],
      ['two k1=B@1', 'out k1=AAB@10'],
      ['two k2=B@500', 'out k2=AABBB@500'],
      ['two k1=B@500', 'out k1=AABB@500'],
      ['two k2=B@500', 'out k2=AABBBB@500'],
      ['two k3=B@500', 'out k3=B@500'],
      ['two k2=B@100', 'out k2=AABBBBB@500'],
    ],
  },
  {
    name: 'cogroup: each stream has its own aggregate',
    source: kafka('CogroupedKStreamImpl › testCogroupKeyMixedAggregators'),
    build: cogroupedApart,
    steps: [
      ['one k1=1@0', 'out k1=0-1@0'],
      ['one k2=1@1', 'out k2=0-1@1'],
      ['one k1=1@10', 'out k1=0-1-1@10'],
      ['one k2=1@100', 'out k2=0-1-1@100'],
      ['two k1=2@500', 'out k1=0-1-1+2@500'],
      ['two k2=2@500', 'out k2=0-1-1+2@500'],
      ['two k1=2@500', 'out k1=0-1-1+2+2@500'],
      ['two k2=2@100', 'out k2=0-1-1+2+2@500'],
    ],
  },
  {
    name: 'cogroup of three streams',
    source: kafka('CogroupedKStreamImpl › testCogroupWithThreeGroupedStreams'),
    build: cogrouped(['one', 'two', 'three']),
    steps: [
      ['one k1=A@0', 'out k1=A@0'],
      ['one k2=A@1', 'out k2=A@1'],
      ['one k1=A@10', 'out k1=AA@10'],
      ['one k2=A@100', 'out k2=AA@100'],
      ['two k2=B@100', 'out k2=AAB@100'],
      ['two k2=B@200', 'out k2=AABB@200'],
      ['two k1=B@1', 'out k1=AAB@10'],
      ['two k2=B@500', 'out k2=AABBB@500'],
      ['three k1=B@500', 'out k1=AABB@500'],
      ['three k2=B@500', 'out k2=AABBBB@500'],
      ['three k3=B@500', 'out k3=B@500'],
      ['three k2=B@100', 'out k2=AABBBBB@500'],
    ],
  },
  {
    name: 'cogroup, then a join with a table',
    source: kafka('CogroupedKStreamImpl › testCogroupWithKTableKTableInnerJoin'),
    build: cogroupedThenJoined,
    steps: [['one k1=A@5'], ['two k2=B@6'], ['three k1=C@0', 'out k1=A+C@5'], ['three k2=D@10', 'out k2=B+D@10']],
  },
  {
    name: 'cogroup in windows',
    source: kafka('TimeWindowedCogroupedKStreamImpl › timeWindowMixAggregatorsTest'),
    build: cogroupedWindows,
    steps: [
      ['one k1=A@0', 'out k1[0,500]=0+A@0'],
      ['one k2=A@0', 'out k2[0,500]=0+A@0'],
      ['one k2=A@1', 'out k2[0,500]=0+A+A@1'],
      ['one k1=A@2', 'out k1[0,500]=0+A+A@2'],
      ['two k1=B@3', 'out k1[0,500]=0+A+A-B@3'],
      ['two k2=B@3', 'out k2[0,500]=0+A+A-B@3'],
      ['two k2=B@4', 'out k2[0,500]=0+A+A-B-B@4'],
      ['two k1=B@4', 'out k1[0,500]=0+A+A-B-B@4'],
    ],
  },
  {
    name: 'cogroup in several windows',
    source: kafka('TimeWindowedCogroupedKStreamImpl › timeWindowMixAggregatorsManyWindowsTest'),
    build: cogroupedWindows,
    steps: [
      ['one k1=A@0', 'out k1[0,500]=0+A@0'],
      ['one k2=A@0', 'out k2[0,500]=0+A@0'],
      ['one k2=A@1', 'out k2[0,500]=0+A+A@1'],
      ['one k1=A@2', 'out k1[0,500]=0+A+A@2'],
      ['two k1=B@3', 'out k1[0,500]=0+A+A-B@3'],
      ['two k2=B@3', 'out k2[0,500]=0+A+A-B@3'],
      ['two k2=B@501', 'out k2[500,1000]=0-B@501'],
      ['two k1=B@501', 'out k1[500,1000]=0-B@501'],
    ],
  },
  {
    name: 'cogroup in a session',
    source: kafka('SessionWindowedCogroupedKStreamImpl › sessionWindowMixAggregatorsTest'),
    build: cogroupedSessions,
    steps: [
      ['one k1=A@0', 'out k1[0,0]=0+A@0'],
      ['one k2=A@0', 'out k2[0,0]=0+A@0'],
      ['one k2=A@1', 'out k2[0,0]=~@0 k2[0,1]=0+A+A@1'],
      ['one k1=A@2', 'out k1[0,0]=~@0 k1[0,2]=0+A+A@2'],
      ['two k1=B@3', 'out k1[0,2]=~@2 k1[0,3]=0+A+A-B@3'],
      ['two k2=B@3', 'out k2[0,1]=~@1 k2[0,3]=0+A+A-B@3'],
      ['two k2=B@444', 'out k2[0,3]=~@3 k2[0,444]=0+A+A-B-B@444'],
      ['two k1=B@444', 'out k1[0,3]=~@3 k1[0,444]=0+A+A-B-B@444'],
    ],
  },
  {
    name: 'cogroup in several sessions',
    source: kafka('SessionWindowedCogroupedKStreamImpl › sessionWindowMixAggregatorsManyWindowsTest'),
    build: cogroupedSessions,
    steps: [
      ['one k1=A@0', 'out k1[0,0]=0+A@0'],
      ['one k2=A@0', 'out k2[0,0]=0+A@0'],
      ['one k2=A@1', 'out k2[0,0]=~@0 k2[0,1]=0+A+A@1'],
      ['one k1=A@2', 'out k1[0,0]=~@0 k1[0,2]=0+A+A@2'],
      ['two k1=B@3', 'out k1[0,2]=~@2 k1[0,3]=0+A+A-B@3'],
      ['two k2=B@500', 'out k2[0,1]=~@1 k2[0,500]=0+A+A-B@500'],
      ['two k2=B@501', 'out k2[0,500]=~@500 k2[0,501]=0+A+A-B-B@501'],
      ['two k1=B@501', 'out k1[0,3]=~@3 k1[0,501]=0+A+A-B-B@501'],
    ],
    stores: { together: 'k1[0,501]=0+A+A-B-B k2[0,501]=0+A+A-B-B' },
  },
]);
