import { sliding, type StreamsBuilder } from '../../index.ts';
import {
  TEXT,
  TEXT_OR_NULL,
  appended,
  kafka,
  numberText,
  ofTables,
  plus,
  ran,
  windowText,
  type Build,
  type Vector,
} from './vector.ts';

const grouped = (builder: StreamsBuilder, differenceMs: number, graceMs: number, topic = 'in') =>
  builder
    .stream(topic, TEXT)
    .groupByKey({ name: `${topic}-by-key`, ...TEXT })
    .windowedBy(sliding({ differenceMs, graceMs }));

const slid =
  (differenceMs: number, graceMs: number, empty = '0'): Build =>
  (builder) => {
    grouped(builder, differenceMs, graceMs)
      .aggregate(appended(empty), { store: 'windows' })
      .toStream(windowText)
      .to('out', TEXT);
  };

const slidKeepingNulls =
  (differenceMs: number, graceMs: number): Build =>
  (builder) => {
    builder
      .stream('in', TEXT_OR_NULL)
      .groupByKey({ name: 'in-by-key', ...TEXT })
      .windowedBy(sliding({ differenceMs, graceMs }))
      .aggregate({ ...appended(), add: (sum, value) => plus(sum, value) }, { store: 'windows' })
      .toStream(windowText)
      .to('out', TEXT);
  };

const slidReduce =
  (differenceMs: number, graceMs: number): Build =>
  (builder) => {
    grouped(builder, differenceMs, graceMs)
      .reduce((a, b) => `${a}+${b}`, { store: 'windows', ...TEXT })
      .toStream(windowText)
      .to('out', TEXT);
  };

const slidCount =
  (differenceMs: number, graceMs: number): Build =>
  (builder) => {
    grouped(builder, differenceMs, graceMs)
      .count({ store: 'windows' })
      .toStream(windowText)
      .mapValues(numberText)
      .to('out', TEXT);
  };

const joinedSliding =
  (differenceMs: number, graceMs: number): Build =>
  (builder) => {
    const table = (topic: string) =>
      grouped(builder, differenceMs, graceMs, topic).aggregate(appended(), { store: `${topic}-windows` });
    table('one')
      .join(table('two'), (one, two) => `${one}%${two}`)
      .toStream(windowText)
      .to('out', TEXT);
  };

export const SLIDING_WINDOWS: readonly Vector[] = ofTables([
  {
    name: 'a small input in order',
    source: kafka('KStreamSlidingWindowAggregate › testAggregateSmallInput'),
    build: slid(10, 5),
    steps: [
      ['in A=1@10', 'out A[0,10]=0+1@10'],
      ['in A=2@10', 'out A[0,10]=0+1+2@10'],
      ['in A=3@14', 'out A[11,21]=0+3@14 A[4,14]=0+1+2+3@14'],
      ['in A=4@15', 'out A[11,21]=0+3+4@15 A[15,25]=0+4@15 A[5,15]=0+1+2+3+4@15'],
      ['in A=5@20', 'out A[15,25]=0+4+5@20 A[11,21]=0+3+4+5@20 A[16,26]=0+5@20 A[10,20]=0+1+2+3+4+5@20'],
      ['in A=6@22', 'out A[16,26]=0+5+6@22 A[15,25]=0+4+5+6@22 A[21,31]=0+6@22 A[12,22]=0+3+4+5+6@22'],
      ['in A=7@30', 'out A[21,31]=0+6+7@30 A[23,33]=0+7@30 A[20,30]=0+5+6+7@30'],
    ],
  },
  {
    name: 'reduce',
    source: kafka('KStreamSlidingWindowAggregate › testReduceSmallInput'),
    build: slidReduce(10, 5),
    steps: [
      ['in A=1@10', 'out A[0,10]=1@10'],
      ['in A=2@14', 'out A[11,21]=2@14 A[4,14]=1+2@14'],
      ['in A=3@15', 'out A[11,21]=2+3@15 A[15,25]=3@15 A[5,15]=1+2+3@15'],
      ['in A=4@22', 'out A[15,25]=3+4@22 A[16,26]=4@22 A[12,22]=2+3+4@22'],
      ['in A=5@26', 'out A[16,26]=4+5@26 A[23,33]=5@26'],
      ['in A=6@30', 'out A[23,33]=5+6@30 A[27,37]=6@30 A[20,30]=4+5+6@30'],
    ],
  },
  {
    name: 'several keys, out of order',
    source: kafka('KStreamSlidingWindowAggregate › testAggregateLargeInput'),
    build: slid(10, 50),
    steps: [
      ['in A=1@10', 'out A[0,10]=0+1@10'],
      ['in A=2@20', 'out A[11,21]=0+2@20 A[10,20]=0+1+2@20'],
      ['in A=3@22', 'out A[21,31]=0+3@22 A[12,22]=0+2+3@22'],
      ['in A=4@15', 'out A[12,22]=0+2+3+4@22 A[11,21]=0+2+4@20 A[10,20]=0+1+2+4@20 A[5,15]=0+1+4@15 A[16,26]=0+2+3@22'],
      ['in B=1@12', 'out B[2,12]=0+1@12'],
      ['in B=2@13', 'out B[13,23]=0+2@13 B[3,13]=0+1+2@13'],
      ['in B=3@18', 'out B[13,23]=0+2+3@18 B[14,24]=0+3@18 B[8,18]=0+1+2+3@18'],
      ['in B=4@19', 'out B[14,24]=0+3+4@19 B[13,23]=0+2+3+4@19 B[19,29]=0+4@19 B[9,19]=0+1+2+3+4@19'],
      ['in B=5@25', 'out B[19,29]=0+4+5@25 B[20,30]=0+5@25 B[15,25]=0+3+4+5@25'],
      [
        'in B=6@14',
        'out B[14,24]=0+3+4+6@19 B[13,23]=0+2+3+4+6@19 B[9,19]=0+1+2+3+4+6@19 B[8,18]=0+1+2+3+6@18',
        'out B[4,14]=0+1+2+6@14',
      ],
      ['in C=1@11', 'out C[1,11]=0+1@11'],
      ['in C=2@15', 'out C[12,22]=0+2@15 C[5,15]=0+1+2@15'],
      ['in C=3@16', 'out C[12,22]=0+2+3@16 C[16,26]=0+3@16 C[6,16]=0+1+2+3@16'],
      ['in C=4@21', 'out C[16,26]=0+3+4@21 C[12,22]=0+2+3+4@21 C[17,27]=0+4@21 C[11,21]=0+1+2+3+4@21'],
      ['in C=5@23', 'out C[17,27]=0+4+5@23 C[16,26]=0+3+4+5@23 C[22,32]=0+5@23 C[13,23]=0+2+3+4+5@23'],
      ['in D=4@11', 'out D[1,11]=0+4@11'],
      ['in D=2@12', 'out D[12,22]=0+2@12 D[2,12]=0+4+2@12'],
      ['in D=3@29', 'out D[19,29]=0+3@29'],
      ['in D=5@16', 'out D[12,22]=0+2+5@16 D[13,23]=0+5@16 D[6,16]=0+4+2+5@16'],
    ],
  },
  {
    name: 'tables of sliding windows joined',
    source: kafka('KStreamSlidingWindowAggregate › testJoin'),
    build: joinedSliding(10, 100),
    steps: [
      ['one A=1@10'],
      ['one B=2@11'],
      ['one C=3@12'],
      ['one A=1@15'],
      ['one B=2@16'],
      ['one C=3@19'],
      ['two A=a@10', 'out A[0,10]=0+1%0+a@10'],
      ['two B=b@11', 'out B[1,11]=0+2%0+b@11'],
      ['two C=c@12', 'out C[2,12]=0+3%0+c@12'],
      ['two A=a@15', 'out A[11,21]=0+1%0+a@15 A[5,15]=0+1+1%0+a+a@15'],
      ['two B=b@16', 'out B[12,22]=0+2%0+b@16 B[6,16]=0+2+2%0+b+b@16'],
      ['two C=c@17', 'out C[13,23]=0+3%0+c@19'],
    ],
  },
  {
    name: 'records before the first full window',
    source: kafka('KStreamSlidingWindowAggregate › testEarlyRecordsSmallInput'),
    build: slid(50, 0),
    steps: [
      ['in A=1@0', 'out A[0,50]=0+1@0'],
      ['in A=2@5', 'out A[1,51]=0+2@5 A[0,50]=0+1+2@5'],
      ['in A=3@6', 'out A[1,51]=0+2+3@6 A[6,56]=0+3@6 A[0,50]=0+1+2+3@6'],
      ['in A=4@3', 'out A[1,51]=0+2+3+4@6 A[4,54]=0+2+3@6 A[0,50]=0+1+2+3+4@6'],
      [
        'in A=5@13',
        'out A[1,51]=0+2+3+4+5@13 A[4,54]=0+2+3+5@13 A[6,56]=0+3+5@13 A[7,57]=0+5@13 A[0,50]=0+1+2+3+4+5@13',
      ],
      [
        'in A=6@10',
        'out A[1,51]=0+2+3+4+5+6@13 A[4,54]=0+2+3+5+6@13 A[6,56]=0+3+5+6@13 A[7,57]=0+5+6@13 A[11,61]=0+5@13',
        'out A[0,50]=0+1+2+3+4+5+6@13',
      ],
      ['in A=7@70', 'out A[20,70]=0+7@70'],
    ],
  },
  {
    name: 'records before the first full window, repeated times',
    source: kafka('KStreamSlidingWindowAggregate › testEarlyRecordsRepeatedInput'),
    build: slid(5, 0),
    steps: [
      ['in A=1@0', 'out A[0,5]=0+1@0'],
      ['in A=2@2', 'out A[1,6]=0+2@2 A[0,5]=0+1+2@2'],
      ['in A=3@4', 'out A[1,6]=0+2+3@4 A[3,8]=0+3@4 A[0,5]=0+1+2+3@4'],
      ['in A=4@0', 'out A[0,5]=0+1+2+3+4@4'],
      ['in A=5@2', 'out A[1,6]=0+2+3+5@4 A[0,5]=0+1+2+3+4+5@4'],
      ['in A=6@2', 'out A[1,6]=0+2+3+5+6@4 A[0,5]=0+1+2+3+4+5+6@4'],
      ['in A=7@0', 'out A[0,5]=0+1+2+3+4+5+6+7@4'],
      ['in A=8@7', 'out A[3,8]=0+3+8@7 A[5,10]=0+8@7 A[2,7]=0+2+3+5+6+8@7'],
    ],
  },
  {
    name: 'records before the first full window, out of order',
    source: kafka('KStreamSlidingWindowAggregate › testEarlyRecordsLargeInput'),
    build: slid(10, 50),
    steps: [
      ['in E=1@0', 'out E[0,10]=0+1@0'],
      ['in E=3@5', 'out E[1,11]=0+3@5 E[0,10]=0+1+3@5'],
      ['in E=4@6', 'out E[1,11]=0+3+4@6 E[6,16]=0+4@6 E[0,10]=0+1+3+4@6'],
      ['in E=2@3', 'out E[1,11]=0+3+4+2@6 E[4,14]=0+3+4@6 E[0,10]=0+1+3+4+2@6'],
      ['in E=6@13', 'out E[6,16]=0+4+6@13 E[4,14]=0+3+4+6@13 E[7,17]=0+6@13 E[3,13]=0+3+4+2+6@13'],
      [
        'in E=5@10',
        'out E[7,17]=0+6+5@13 E[6,16]=0+4+6+5@13 E[4,14]=0+3+4+6+5@13 E[3,13]=0+3+4+2+6+5@13 E[1,11]=0+3+4+2+5@10',
        'out E[0,10]=0+1+3+4+2+5@10 E[11,21]=0+6@13',
      ],
      [
        'in E=7@4',
        'out E[1,11]=0+3+4+2+5+7@10 E[3,13]=0+3+4+2+6+5+7@13 E[4,14]=0+3+4+6+5+7@13 E[5,15]=0+3+4+6+5@13',
        'out E[0,10]=0+1+3+4+2+5+7@10',
      ],
      ['in E=8@2', 'out E[1,11]=0+3+4+2+5+7+8@10 E[0,10]=0+1+3+4+2+5+7+8@10'],
      [
        'in E=9@15',
        'out E[11,21]=0+6+9@15 E[7,17]=0+6+5+9@15 E[6,16]=0+4+6+5+9@15 E[5,15]=0+3+4+6+5+9@15 E[14,24]=0+9@15',
      ],
    ],
  },
  {
    name: 'a null key is dropped, and moves no time',
    source: kafka('KStreamSlidingWindowAggregate › shouldLogAndMeterWhenSkippingNullKey'),
    build: slid(10, 5),
    steps: [['in ~=1@100'], ['in A=1@10', 'out A[0,10]=0+1@10']],
  },
  {
    name: 'a null value is dropped, and moves no time',
    source: kafka('KStreamSlidingWindowAggregate › shouldLogAndMeterWhenSkippingNullValue'),
    build: slidKeepingNulls(10, 5),
    steps: [['in A=~@100'], ['in A=1@10', 'out A[0,10]=0+1@10']],
  },
  {
    name: 'late records are dropped, window by window',
    source: kafka('KStreamSlidingWindowAggregate › shouldLogAndMeterWhenSkippingExpiredWindowByGrace'),
    build: slid(10, 90, ''),
    steps: [
      ['in k=100@200', 'out k[190,200]=+100@200'],
      ['in k=0@100'],
      ['in k=1@101'],
      ['in k=2@102'],
      ['in k=3@103'],
      ['in k=4@104'],
      ['in k=5@105'],
      ['in k=6@15'],
      ['in k=101@300', 'out k[290,300]=+101@300'],
      ['in k=102@400', 'out k[390,400]=+102@400'],
    ],
  },
  {
    name: 'a window that is still open is created by a late record',
    source: ran,
    build: slid(10, 20),
    steps: [
      ['in A=1@100', 'out A[90,100]=0+1@100'],
      ['in A=2@70'],
      ['in A=3@69'],
      ['in A=4@80', 'out A[70,80]=0+4@80'],
      ['in B=5@111', 'out B[101,111]=0+5@111'],
      ['in A=6@81', 'out A[81,91]=0+6@81'],
      ['in A=7@101', 'out A[101,111]=0+7@101 A[91,101]=0+1+7@101'],
      [
        'in A=8@91',
        'out A[91,101]=0+1+7+8@101 A[90,100]=0+1+8@100 A[81,91]=0+6+8@91 A[82,92]=0+8@91 A[92,102]=0+1+7@101',
      ],
    ],
  },
  {
    name: 'count',
    source: kafka('SlidingWindowedKStreamImpl › shouldCountSlidingWindows'),
    build: slidCount(100, 1_000),
    steps: [
      ['in 1=1@100', 'out 1[0,100]=1@100'],
      ['in 1=2@150', 'out 1[101,201]=1@150 1[50,150]=2@150'],
      ['in 1=3@500', 'out 1[400,500]=1@500'],
      ['in 2=10@200', 'out 2[100,200]=1@200'],
      ['in 2=20@150', 'out 2[100,200]=2@200 2[50,150]=1@150 2[151,251]=1@200'],
    ],
  },
  {
    name: 'aggregate',
    source: kafka('SlidingWindowedKStreamImpl › shouldAggregateSlidingWindows'),
    build: slid(100, 1_000),
    steps: [
      ['in 1=1@100', 'out 1[0,100]=0+1@100'],
      ['in 1=2@150', 'out 1[101,201]=0+2@150 1[50,150]=0+1+2@150'],
      ['in 1=3@500', 'out 1[400,500]=0+3@500'],
      ['in 2=10@200', 'out 2[100,200]=0+10@200'],
      ['in 2=20@150', 'out 2[100,200]=0+10+20@200 2[50,150]=0+20@150 2[151,251]=0+10@200'],
    ],
  },
  {
    name: 'count, out of order, edges of 500',
    source: kafka('KGroupedStreamImpl › shouldCountSlidingWindows'),
    build: slidCount(500, 2_000),
    steps: [
      ['in 1=A@500', 'out 1[0,500]=1@500'],
      ['in 1=A@999', 'out 1[501,1001]=1@999 1[499,999]=2@999'],
      ['in 1=A@600', 'out 1[501,1001]=2@999 1[499,999]=3@999 1[100,600]=2@600 1[601,1101]=1@999'],
      ['in 2=B@500', 'out 2[0,500]=1@500'],
      ['in 2=B@600', 'out 2[501,1001]=1@600 2[100,600]=2@600'],
      ['in 2=B@700', 'out 2[501,1001]=2@700 2[601,1101]=1@700 2[200,700]=3@700'],
      ['in 3=C@501', 'out 3[1,501]=1@501'],
      ['in 1=A@1000', 'out 1[601,1101]=2@1000 1[501,1001]=3@1000 1[1000,1500]=1@1000 1[500,1000]=4@1000'],
      ['in 1=A@1000', 'out 1[1000,1500]=2@1000 1[601,1101]=3@1000 1[501,1001]=4@1000 1[500,1000]=5@1000'],
      ['in 2=B@1000', 'out 2[601,1101]=2@1000 2[501,1001]=3@1000 2[701,1201]=1@1000 2[500,1000]=4@1000'],
      ['in 2=B@1000', 'out 2[701,1201]=2@1000 2[601,1101]=3@1000 2[501,1001]=4@1000 2[500,1000]=5@1000'],
      ['in 3=C@600', 'out 3[502,1002]=1@600 3[100,600]=2@600'],
    ],
  },
  {
    name: 'a record whose own last window is closed is left out whole: it makes no window behind it either',
    source: ran,
    build: slidCount(10, 19),
    steps: [
      ['in b=x@134', 'out b[124,134]=1@134'],
      ['in b=x@136', 'out b[126,136]=2@136 b[135,145]=1@136'],
      ['in b=x@140', 'out b[135,145]=2@140 b[130,140]=3@140 b[137,147]=1@140'],
      ['in a=x@161', 'out a[151,161]=1@161'],
      ['in b=x@131'],
    ],
  },
]);
