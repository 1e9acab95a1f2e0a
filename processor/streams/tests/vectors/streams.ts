import type { StreamsBuilder } from '../../index.ts';
import { TEXT, TEXT_OR_NULL, kafka, ran, type Build, type Vector } from './vector.ts';

const multipleOf =
  (factor: number) =>
  (_value: string, key: string | null): boolean =>
    Number(key) % factor === 0;

const multiplesOfThree =
  (kind: 'filter' | 'filterNot'): Build =>
  (builder) => {
    const stream = builder.stream('in', TEXT);
    (kind === 'filter' ? stream.filter(multipleOf(3)) : stream.filterNot(multipleOf(3))).to('out', TEXT);
  };

const swapped = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .map((value, key) => ({ key: value, value: String(key) }))
    .to('out', TEXT);
};

const lengths = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .mapValues((value, key) => String(value.length + Number(key)))
    .to('out', TEXT);
};

const tens = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .flatMap((value, key) =>
      Array.from({ length: Number(key) }, (_, i) => ({ key: String(Number(key) * 10 + i), value })),
    )
    .to('out', TEXT);
};

const twice = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .flatMapValues((value, key) => [`v${value}`, `k${String(key)}`])
    .to('out', TEXT);
};

const named = (builder: StreamsBuilder): void => {
  const words: Readonly<Record<string, string>> = { 1: 'ONE', 2: 'TWO', 3: 'THREE' };
  builder
    .stream('in', TEXT)
    .selectKey((value) => words[value] ?? null)
    .to('out', TEXT);
};

const merged = (builder: StreamsBuilder): void => {
  const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((topic) => builder.stream(topic, TEXT));
  if (one === undefined || two === undefined || three === undefined || four === undefined) return;
  one.merge(two).merge(three).merge(four).to('out', TEXT);
};

const split =
  (rest: boolean): Build =>
  (builder) => {
    const branches = { x2: multipleOf(2), x3: multipleOf(3), x5: multipleOf(5) };
    const stream = builder.stream('in', TEXT);
    const streams = rest ? stream.split(branches, 'rest') : stream.split(branches);
    for (const [topic, branch] of Object.entries(streams)) branch.to(topic, TEXT);
  };

const branched = (builder: StreamsBuilder): void => {
  const streams = builder.stream('in', TEXT).branch(multipleOf(2), multipleOf(3), multipleOf(5));
  ['x2', 'x3', 'x5'].forEach((topic, i) => streams[i]?.to(topic, TEXT));
};

const dynamic = (builder: StreamsBuilder): void => {
  builder.stream('in', TEXT).to((value, key, { topic }) => `${topic}-${String(key)}-${value.charAt(0)}`, TEXT);
};

const repartitioned = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT_OR_NULL)
    .repartition({ name: 'again', ...TEXT })
    .to('out', TEXT);
};

const headersThrough = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .map((value, key) => ({ key: value, value: String(key) }))
    .flatMapValues((value) => [value, value + value])
    .repartition({ name: 'again', ...TEXT })
    .filter(() => true)
    .to('out', TEXT);
};

const byOwnTime = (builder: StreamsBuilder): void => {
  builder.stream('in', { ...TEXT, timestampMs: Number }).to('out', TEXT);
};

export const STREAMS: readonly Vector[] = [
  {
    name: 'filter',
    source: kafka('KStreamFilter › testFilter'),
    build: multiplesOfThree('filter'),
    steps: [['in 1=V1@0 2=V2@0 3=V3@0 4=V4@0 5=V5@0 6=V6@0 7=V7@0', 'out 3=V3@0 6=V6@0']],
  },
  {
    name: 'filterNot',
    source: kafka('KStreamFilter › testFilterNot'),
    build: multiplesOfThree('filterNot'),
    steps: [['in 1=V1@0 2=V2@0 3=V3@0 4=V4@0 5=V5@0 6=V6@0 7=V7@0', 'out 1=V1@0 2=V2@0 4=V4@0 5=V5@0 7=V7@0']],
  },
  {
    name: 'map keeps the time',
    source: kafka('KStreamMap › testMap'),
    build: swapped,
    steps: [['in 0=V0@10 1=V1@9 2=V2@8 3=V3@7', 'out V0=0@10 V1=1@9 V2=2@8 V3=3@7']],
  },
  {
    name: 'mapValues',
    source: kafka('KStreamMapValues › testMapValuesWithKeys'),
    build: lengths,
    steps: [['in 1=1@0 10=10@5 100=100@50 1000=1000@500', 'out 1=2@0 10=12@5 100=103@50 1000=1004@500']],
  },
  {
    name: 'flatMap: none, one or several',
    source: kafka('KStreamFlatMap › testFlatMap'),
    build: tens,
    steps: [['in 0=V0@0 1=V1@0 2=V2@0 3=V3@0', 'out 10=V1@0 20=V2@0 21=V2@0 30=V3@0 31=V3@0 32=V3@0']],
  },
  {
    name: 'flatMapValues',
    source: kafka('KStreamFlatMapValues › testFlatMapValuesWithKeys'),
    build: twice,
    steps: [['in 0=0@0 1=1@0 2=2@0 3=3@0', 'out 0=v0@0 0=k0@0 1=v1@0 1=k1@0 2=v2@0 2=k2@0 3=v3@0 3=k3@0']],
  },
  {
    name: 'selectKey',
    source: kafka('KStreamSelectKey › testSelectKey'),
    build: named,
    steps: [['in ~=1@0 ~=2@0 ~=3@0', 'out ONE=1@0 TWO=2@0 THREE=3@0']],
  },
  {
    name: 'merge: in the order of arrival',
    source: kafka('KStreamImpl › shouldMergeMultipleStreams'),
    build: merged,
    steps: [
      ['one A=aa@1', 'out A=aa@1'],
      ['two B=bb@9', 'out B=bb@9'],
      ['three C=cc@2', 'out C=cc@2'],
      ['four D=dd@8', 'out D=dd@8'],
      ['four E=ee@3', 'out E=ee@3'],
      ['three F=ff@7', 'out F=ff@7'],
      ['two G=gg@4', 'out G=gg@4'],
      ['one H=hh@6', 'out H=hh@6'],
    ],
  },
  {
    name: 'split without a rest: the first branch that takes it, the others are dropped',
    source: kafka('KStreamSplit › testKStreamSplit'),
    build: split(false),
    steps: [
      [
        'in -1=V-1@0 0=V0@0 1=V1@0 2=V2@0 3=V3@0 4=V4@0 5=V5@0 6=V6@0 7=V7@0',
        'x2 0=V0@0 2=V2@0 4=V4@0 6=V6@0',
        'x3 3=V3@0',
        'x5 5=V5@0',
      ],
    ],
  },
  {
    name: 'branch: each predicate at most once a record',
    source: kafka('KStreamSplit › testBranchingWithNoTerminalOperation'),
    build: branched,
    steps: [
      [
        'in -1=V-1@0 0=V0@0 1=V1@0 2=V2@0 3=V3@0 4=V4@0 5=V5@0 6=V6@0 7=V7@0',
        'x2 0=V0@0 2=V2@0 4=V4@0 6=V6@0',
        'x3 3=V3@0',
        'x5 5=V5@0',
      ],
    ],
  },
  {
    name: 'split with a rest',
    source: kafka('KStreamSplit › testResultingMap'),
    build: split(true),
    steps: [
      [
        'in -1=V-1@0 0=V0@0 1=V1@0 2=V2@0 3=V3@0 4=V4@0 5=V5@0 6=V6@0 7=V7@0',
        'rest -1=V-1@0 1=V1@0 7=V7@0',
        'x2 0=V0@0 2=V2@0 4=V4@0 6=V6@0',
        'x3 3=V3@0',
        'x5 5=V5@0',
      ],
    ],
  },
  {
    name: 'to a topic chosen by the record',
    source: kafka('KStreamImpl › shouldSendDataToDynamicTopics'),
    build: dynamic,
    steps: [['in a=v1@0 a=v2@0 b=v1@0', 'in-a-v a=v1@0 a=v2@0', 'in-b-v b=v1@0']],
  },
  {
    name: 'repartition drops null keys, not null values',
    source: ran,
    build: repartitioned,
    steps: [['in ~=x@1'], ['in a=~@2', 'out a=~@2'], ['in a=x@3', 'out a=x@3']],
  },
  {
    name: 'headers travel through every step and a repartition topic',
    source: ran,
    build: headersThrough,
    steps: [
      ['in a=x@1#h:1', 'out x=a@1#h:1 x=aa@1#h:1'],
      ['in b=y@2#h:2', 'out y=b@2#h:2 y=bb@2#h:2'],
    ],
  },
  {
    name: 'a negative event time is dropped',
    source: ran,
    build: byOwnTime,
    steps: [['in a=-5@1'], ['in a=3@1', 'out a=3@3']],
  },
];
