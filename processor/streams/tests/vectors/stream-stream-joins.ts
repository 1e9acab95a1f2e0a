import { joinWindows, stringSerde, type JoinWindows, type KStream, type StreamsBuilder } from '../../index.ts';
import { DAY_MS, TEXT, dash, kafka, ksql, plus, ran, type Build, type Text, type Vector } from './vector.ts';

type Kind = 'join' | 'leftJoin' | 'outerJoin';
type Joiner = (left: Text, right: Text) => string;
type Texts = KStream<Text, string>;

function joinOf(kind: Kind, left: Texts, right: Texts, windows: JoinWindows, joiner: Joiner, name = 'joined'): Texts {
  const options = { windows, name, left: stringSerde, right: stringSerde };
  if (kind === 'join') return left.join(right, joiner, options) as Texts;
  return kind === 'leftJoin' ? left.leftJoin(right, joiner, options) : left.outerJoin(right, joiner, options);
}

const joined =
  (kind: Kind, windows: JoinWindows, joiner: Joiner = plus): Build =>
  (builder) => {
    joinOf(kind, builder.stream('left', TEXT), builder.stream('right', TEXT), windows, joiner).to('out', TEXT);
  };

/** Ten seconds, and a day of grace. */
const WIDE = joinWindows({ differenceMs: 10_000, graceMs: DAY_MS });

/** Both sides have been given a new key, equal to the old one. */
const rekeyed =
  (kind: Kind): Build =>
  (builder) => {
    const left = builder.stream('left', TEXT).map((value, key) => ({ key, value }));
    const right = builder.stream('right', TEXT).flatMap((value, key) => [{ key, value }]);
    joinOf(
      kind,
      left,
      right.selectKey((_value, key) => key),
      WIDE,
      dash,
    ).to('out', TEXT);
  };

const chain = (builder: StreamsBuilder): void => {
  const right = builder.stream('right', TEXT);
  const both = joinOf('join', builder.stream('left', TEXT), right, WIDE, dash, 'first');
  joinOf('join', both, right, WIDE, dash, 'second').to('out', TEXT);
};

const self = (builder: StreamsBuilder): void => {
  const stream = builder.stream('left', TEXT);
  joinOf('join', stream, stream, WIDE, dash).to('out', TEXT);
};

const joinedAndEqual = (builder: StreamsBuilder): void => {
  const windows = joinWindows({ differenceMs: 60_000, graceMs: DAY_MS });
  joinOf('join', builder.stream('left', TEXT), builder.stream('right', TEXT), windows, plus)
    .filter((value) => value.split('+')[0] === value.split('+')[1])
    .to('out', TEXT);
};

const joinedByField = (builder: StreamsBuilder): void => {
  const byField = (topic: string): Texts =>
    builder.stream(topic, TEXT).selectKey((value): Text => value.split('|')[0] ?? '');
  joinOf('join', byField('left'), byField('right'), WIDE, plus).to('out', TEXT);
};

const keyOrNull = (builder: StreamsBuilder): void => {
  const left = builder.stream('left', TEXT).selectKey((value) => (value === 'n' ? null : value));
  const windows = joinWindows({ differenceMs: 10, graceMs: 0 });
  joinOf('leftJoin', left, builder.stream('right', TEXT), windows, plus).to('out', TEXT);
};

const joinedByOwnTime = (builder: StreamsBuilder): void => {
  const stream = (topic: string) =>
    builder.stream(topic, { ...TEXT, timestampMs: (value: string) => Number(value.split(',')[1]) });
  const windows = joinWindows({ differenceMs: 11_000, graceMs: DAY_MS });
  joinOf('join', stream('left'), stream('right'), windows, plus).to('out', TEXT);
};

export const STREAM_STREAM_JOINS: readonly Vector[] = [
  {
    name: 'two matches, each at the larger time',
    source: kafka('KStreamKStreamJoin › shouldJoinWithCustomStoreSuppliers'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [['left A=1@1 B=1@2'], ['right A=1@1 B=2@2', 'out A=1+1@1 B=1+2@2']],
  },
  {
    name: 'a null value is dropped',
    source: kafka('KStreamKStreamJoin › shouldLogAndMeterOnSkippedRecordsWithNullValue…'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [['left A=~@0'], ['right A=a@0']],
  },
  {
    name: 'every record of the other side within the window matches, in order of arrival',
    source: kafka('KStreamKStreamJoin › testJoin'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@0 1=a1@0', 'out 0=A0+a0@0 1=A1+a1@0'],
      ['left 0=B0@0 1=B1@0 2=B2@0 3=B3@0', 'out 0=B0+a0@0 1=B1+a1@0'],
      ['right 0=b0@0 1=b1@0 2=b2@0 3=b3@0', 'out 0=A0+b0@0 0=B0+b0@0 1=A1+b1@0 1=B1+b1@0 2=B2+b2@0 3=B3+b3@0'],
      ['left 0=C0@0 1=C1@0 2=C2@0 3=C3@0', 'out 0=C0+a0@0 0=C0+b0@0 1=C1+a1@0 1=C1+b1@0 2=C2+b2@0 3=C3+b3@0'],
      ['right 0=c0@0 1=c1@0', 'out 0=A0+c0@0 0=B0+c0@0 0=C0+c0@0 1=A1+c1@0 1=B1+c1@0 1=C1+c1@0'],
    ],
  },
  {
    name: 'an outer join of matches only is an inner one',
    source: kafka('KStreamKStreamJoin › testOuterJoin'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 86_400_000 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@0 1=a1@0', 'out 0=A0+a0@0 1=A1+a1@0'],
      ['left 0=B0@0 1=B1@0 2=B2@0 3=B3@0', 'out 0=B0+a0@0 1=B1+a1@0'],
      ['right 0=b0@0 1=b1@0 2=b2@0 3=b3@0', 'out 0=A0+b0@0 0=B0+b0@0 1=A1+b1@0 1=B1+b1@0 2=B2+b2@0 3=B3+b3@0'],
      ['left 0=C0@0 1=C1@0 2=C2@0 3=C3@0', 'out 0=C0+a0@0 0=C0+b0@0 1=C1+a1@0 1=C1+b1@0 2=C2+b2@0 3=C3+b3@0'],
      ['right 0=c0@0 1=c1@0', 'out 0=A0+c0@0 0=B0+c0@0 0=C0+c0@0 1=A1+c1@0 1=B1+c1@0 1=C1+c1@0'],
    ],
  },
  {
    name: 'edges of the window: the right is up to 100 later',
    source: kafka('KStreamKStreamJoin › testWindowing'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@0 1=a1@0', 'out 0=A0+a0@0 1=A1+a1@0'],
      ['left 0=B0@1000 1=B1@1001 2=B2@1002 3=B3@1003'],
      ['right 0=b0@1100 1=b1@1100 2=b2@1100 3=b3@1100', 'out 0=B0+b0@1100 1=B1+b1@1100 2=B2+b2@1100 3=B3+b3@1100'],
      ['right 0=c0@1101 1=c1@1101 2=c2@1101 3=c3@1101', 'out 1=B1+c1@1101 2=B2+c2@1101 3=B3+c3@1101'],
      ['right 0=d0@1102 1=d1@1102 2=d2@1102 3=d3@1102', 'out 2=B2+d2@1102 3=B3+d3@1102'],
      ['right 0=e0@1103 1=e1@1103 2=e2@1103 3=e3@1103', 'out 3=B3+e3@1103'],
      ['right 0=f0@1104 1=f1@1104 2=f2@1104 3=f3@1104'],
    ],
  },
  {
    name: 'edges of the window: the right is up to 100 earlier',
    source: kafka('KStreamKStreamJoin › testWindowing'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=B0@1000 1=B1@1001 2=B2@1002 3=B3@1003'],
      ['right 0=g0@899 1=g1@899 2=g2@899 3=g3@899'],
      ['right 0=h0@900 1=h1@900 2=h2@900 3=h3@900', 'out 0=B0+h0@1000'],
      ['right 0=i0@901 1=i1@901 2=i2@901 3=i3@901', 'out 0=B0+i0@1000 1=B1+i1@1001'],
      ['right 0=j0@902 1=j1@902 2=j2@902 3=j3@902', 'out 0=B0+j0@1000 1=B1+j1@1001 2=B2+j2@1002'],
      ['right 0=k0@903 1=k1@903 2=k2@903 3=k3@903', 'out 0=B0+k0@1000 1=B1+k1@1001 2=B2+k2@1002 3=B3+k3@1003'],
    ],
  },
  {
    name: 'edges of the window: the left is up to 100 later',
    source: kafka('KStreamKStreamJoin › testWindowing'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=l0@2000 1=l1@2001 2=l2@2002 3=l3@2003'],
      ['left 0=C0@2100 1=C1@2100 2=C2@2100 3=C3@2100', 'out 0=C0+l0@2100 1=C1+l1@2100 2=C2+l2@2100 3=C3+l3@2100'],
      ['left 0=D0@2101 1=D1@2101 2=D2@2101 3=D3@2101', 'out 1=D1+l1@2101 2=D2+l2@2101 3=D3+l3@2101'],
      ['left 0=E0@2102 1=E1@2102 2=E2@2102 3=E3@2102', 'out 2=E2+l2@2102 3=E3+l3@2102'],
      ['left 0=F0@2103 1=F1@2103 2=F2@2103 3=F3@2103', 'out 3=F3+l3@2103'],
      ['left 0=G0@2104 1=G1@2104 2=G2@2104 3=G3@2104'],
    ],
  },
  {
    name: 'edges of the window: the left is up to 100 earlier',
    source: kafka('KStreamKStreamJoin › testWindowing'),
    build: joined('join', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=l0@2000 1=l1@2001 2=l2@2002 3=l3@2003'],
      ['left 0=H0@1899 1=H1@1899 2=H2@1899 3=H3@1899'],
      ['left 0=I0@1900 1=I1@1900 2=I2@1900 3=I3@1900', 'out 0=I0+l0@2000'],
      ['left 0=J0@1901 1=J1@1901 2=J2@1901 3=J3@1901', 'out 0=J0+l0@2000 1=J1+l1@2001'],
      ['left 0=K0@1902 1=K1@1902 2=K2@1902 3=K3@1902', 'out 0=K0+l0@2000 1=K1+l1@2001 2=K2+l2@2002'],
      ['left 0=L0@1903 1=L1@1903 2=L2@1903 3=L3@1903', 'out 0=L0+l0@2000 1=L1+l1@2001 2=L2+l2@2002 3=L3+l3@2003'],
    ],
  },
  {
    name: 'only what comes after: lower edge',
    source: kafka('KStreamKStreamJoin › testAsymmetricWindowingAfter'),
    build: joined('join', joinWindows({ beforeMs: 0, afterMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1000 1=A1@1001 2=A2@1002 3=A3@1003'],
      ['right 0=a0@999 1=a1@999 2=a2@999 3=a3@999'],
      ['right 0=b0@1000 1=b1@1000 2=b2@1000 3=b3@1000', 'out 0=A0+b0@1000'],
      ['right 0=c0@1001 1=c1@1001 2=c2@1001 3=c3@1001', 'out 0=A0+c0@1001 1=A1+c1@1001'],
      ['right 0=d0@1002 1=d1@1002 2=d2@1002 3=d3@1002', 'out 0=A0+d0@1002 1=A1+d1@1002 2=A2+d2@1002'],
      ['right 0=e0@1003 1=e1@1003 2=e2@1003 3=e3@1003', 'out 0=A0+e0@1003 1=A1+e1@1003 2=A2+e2@1003 3=A3+e3@1003'],
    ],
  },
  {
    name: 'only what comes after: upper edge',
    source: kafka('KStreamKStreamJoin › testAsymmetricWindowingAfter'),
    build: joined('join', joinWindows({ beforeMs: 0, afterMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1000 1=A1@1001 2=A2@1002 3=A3@1003'],
      ['right 0=f0@1100 1=f1@1100 2=f2@1100 3=f3@1100', 'out 0=A0+f0@1100 1=A1+f1@1100 2=A2+f2@1100 3=A3+f3@1100'],
      ['right 0=g0@1101 1=g1@1101 2=g2@1101 3=g3@1101', 'out 1=A1+g1@1101 2=A2+g2@1101 3=A3+g3@1101'],
      ['right 0=h0@1102 1=h1@1102 2=h2@1102 3=h3@1102', 'out 2=A2+h2@1102 3=A3+h3@1102'],
      ['right 0=i0@1103 1=i1@1103 2=i2@1103 3=i3@1103', 'out 3=A3+i3@1103'],
      ['right 0=j0@1104 1=j1@1104 2=j2@1104 3=j3@1104'],
    ],
  },
  {
    name: 'only what comes before: lower edge',
    source: kafka('KStreamKStreamJoin › testAsymmetricWindowingBefore'),
    build: joined('join', joinWindows({ beforeMs: 100, afterMs: 0, graceMs: 0 })),
    steps: [
      ['left 0=A0@1000 1=A1@1001 2=A2@1002 3=A3@1003'],
      ['right 0=a0@899 1=a1@899 2=a2@899 3=a3@899'],
      ['right 0=b0@900 1=b1@900 2=b2@900 3=b3@900', 'out 0=A0+b0@1000'],
      ['right 0=c0@901 1=c1@901 2=c2@901 3=c3@901', 'out 0=A0+c0@1000 1=A1+c1@1001'],
      ['right 0=d0@902 1=d1@902 2=d2@902 3=d3@902', 'out 0=A0+d0@1000 1=A1+d1@1001 2=A2+d2@1002'],
      ['right 0=e0@903 1=e1@903 2=e2@903 3=e3@903', 'out 0=A0+e0@1000 1=A1+e1@1001 2=A2+e2@1002 3=A3+e3@1003'],
    ],
  },
  {
    name: 'only what comes before: upper edge',
    source: kafka('KStreamKStreamJoin › testAsymmetricWindowingBefore'),
    build: joined('join', joinWindows({ beforeMs: 100, afterMs: 0, graceMs: 0 })),
    steps: [
      ['left 0=A0@1000 1=A1@1001 2=A2@1002 3=A3@1003'],
      ['right 0=f0@1000 1=f1@1000 2=f2@1000 3=f3@1000', 'out 0=A0+f0@1000 1=A1+f1@1001 2=A2+f2@1002 3=A3+f3@1003'],
      ['right 0=g0@1001 1=g1@1001 2=g2@1001 3=g3@1001', 'out 1=A1+g1@1001 2=A2+g2@1002 3=A3+g3@1003'],
      ['right 0=h0@1002 1=h1@1002 2=h2@1002 3=h3@1002', 'out 2=A2+h2@1002 3=A3+h3@1003'],
      ['right 0=i0@1003 1=i1@1003 2=i2@1003 3=i3@1003', 'out 3=A3+i3@1003'],
      ['right 0=j0@1004 1=j1@1004 2=j2@1004 3=j3@1004'],
    ],
  },
  {
    name: 'two records of one key and time are two, unmatched and matched',
    source: kafka('KStreamKStreamLeftJoin › testLeftJoinDuplicates'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 10 })),
    steps: [
      ['left 0=A0@0 0=A0-0@0'],
      ['right 1=a0@111', 'out 0=A0+null@0 0=A0-0+null@0'],
      ['right 2=dummy@500'],
      ['left 2=A2@1000 2=A2-0@1000'],
      ['right 2=a2@1001', 'out 2=A2+a2@1001 2=A2-0+a2@1001'],
    ],
  },
  {
    name: 'unmatched ones of the left come out on a record of the left',
    source: kafka('KStreamKStreamLeftJoin › testLeftExpiredNonJoinedRecordsAreEmittedByTheLeftProcessor'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1 1=A1@2 0=A0-0@3'],
      ['right 1=a1@3', 'out 1=A1+a1@3'],
      ['left 2=dummy@401', 'out 0=A0+null@1 0=A0-0+null@3'],
      ['right 2=dummy@401', 'out 2=dummy+dummy@401'],
    ],
  },
  {
    name: 'unmatched ones of the left come out on a record of the right',
    source: kafka('KStreamKStreamLeftJoin › testLeftExpiredNonJoinedRecordsAreEmittedByTheRightProcessor'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1 1=A1@2 0=A0-0@3'],
      ['right 1=a1@3', 'out 1=A1+a1@3'],
      ['right 2=dummy@401', 'out 0=A0+null@1 0=A0-0+null@3'],
      ['left 2=dummy@402', 'out 2=dummy+dummy@402'],
    ],
  },
  {
    name: 'unmatched ones of the right never come out, on a record of the left',
    source: kafka('KStreamKStreamLeftJoin › testRightNonJoinedRecordsAreNeverEmittedByTheLeftProcessor'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=A0@1 1=A1@2 0=A0-0@3'],
      ['left 1=a1@3', 'out 1=a1+A1@3'],
      ['left 2=dummy@401'],
      ['right 2=dummy@402', 'out 2=dummy+dummy@402'],
    ],
  },
  {
    name: 'unmatched ones of the right never come out, on a record of the right',
    source: kafka('KStreamKStreamLeftJoin › testRightNonJoinedRecordsAreNeverEmittedByTheRightProcessor'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=A0@1 1=A1@2 0=A0-0@3'],
      ['left 1=a1@3', 'out 1=a1+A1@3'],
      ['right 2=dummy@401'],
      ['left 2=dummy@402', 'out 2=dummy+dummy@402'],
    ],
  },
  {
    name: 'nothing comes after: unmatched when time moves on, and joined all the same by a partner from before',
    source: kafka('KStreamKStreamLeftJoin › testLeftJoinedRecordsWithZeroAfterAreEmitted'),
    build: joined('leftJoin', joinWindows({ beforeMs: 100, afterMs: 0, graceMs: 0 })),
    steps: [
      ['left 0=A0@1000 1=A1@1001 2=A2@1002 3=A3@1003', 'out 0=A0+null@1000 1=A1+null@1001 2=A2+null@1002'],
      ['right 0=a0@999 1=a1@999 2=a2@999 3=a3@999', 'out 0=A0+a0@1000 1=A1+a1@1001 2=A2+a2@1002 3=A3+a3@1003'],
      ['right 0=b0@1000 1=b1@1000 2=b2@1000 3=b3@1000', 'out 0=A0+b0@1000 1=A1+b1@1001 2=A2+b2@1002 3=A3+b3@1003'],
      ['right 0=c0@1001 1=c1@1001 2=c2@1001 3=c3@1001', 'out 1=A1+c1@1001 2=A2+c2@1002 3=A3+c3@1003'],
      ['right 0=d0@1002 1=d1@1002 2=d2@1002 3=d3@1002', 'out 2=A2+d2@1002 3=A3+d3@1003'],
      ['right 0=e0@1003 1=e1@1003 2=e2@1003 3=e3@1003', 'out 3=A3+e3@1003'],
      ['right 0=f0@1100 1=f1@1100 2=f2@1100 3=f3@1100'],
    ],
  },
  {
    name: 'every record of the left is matched: nothing unmatched',
    source: kafka('KStreamKStreamLeftJoin › testLeftJoinWithDefaultSuppliers'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@0 1=a1@0', 'out 0=A0+a0@0 1=A1+a1@0'],
      ['left 0=B0@0 1=B1@0 2=B2@0', 'out 0=B0+a0@0 1=B1+a1@0'],
      ['right 0=b0@0 1=b1@0 2=b2@0 3=b3@0', 'out 0=A0+b0@0 0=B0+b0@0 1=A1+b1@0 1=B1+b1@0 2=B2+b2@0'],
      ['left 0=C0@0 1=C1@0 2=C2@0 3=C3@0', 'out 0=C0+a0@0 0=C0+b0@0 1=C1+a1@0 1=C1+b1@0 2=C2+b2@0 3=C3+b3@0'],
      ['left 0=dummy@1000'],
    ],
  },
  {
    name: 'the unmatched of closed windows come before the match',
    source: kafka('KStreamKStreamLeftJoin › testOrdering'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [['left 0=A0@0'], ['left 1=A1@100'], ['right 1=a1@110', 'out 0=A0+null@0 1=A1+a1@110']],
  },
  {
    name: 'nothing unmatched within the grace',
    source: kafka('KStreamKStreamLeftJoin › testGracePeriod'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 10 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@101 1=a1@101 2=a2@101 3=a3@101'],
      ['right 0=dummy@1201', 'out 0=A0+null@0 1=A1+null@0'],
    ],
  },
  {
    name: 'unmatched ones of the right are none of a left join',
    source: kafka('KStreamKStreamLeftJoin › testWindowing'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=a0@0 1=a1@0 2=a2@0 3=a3@0', 'out 0=A0+a0@0 1=A1+a1@0'],
      ['right 9=z@500'],
    ],
  },
  {
    name: 'nothing comes before: matched at the upper edge, unmatched behind it',
    source: kafka('KStreamKStreamLeftJoin › shouldNotEmitLeftJoinResultForAsymmetricWindow'),
    build: joined('leftJoin', joinWindows({ beforeMs: 0, afterMs: 100, graceMs: 0 })),
    steps: [['left 0=A0@0 1=A1@1'], ['right 0=a0@100', 'out 0=A0+a0@100'], ['right 1=a1@102', 'out 1=A1+null@1']],
  },
  {
    name: 'left: upper edge, and the unmatched in order of time, then key',
    source: kafka('KStreamKStreamLeftJoin › testWindowing (upper window bound)'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=b0@1000 1=b1@1001 2=b2@1002 3=b3@1003'],
      ['left 0=B0@1100 1=B1@1100 2=B2@1100 3=B3@1100', 'out 0=B0+b0@1100 1=B1+b1@1100 2=B2+b2@1100 3=B3+b3@1100'],
      ['left 0=C0@1101 1=C1@1101 2=C2@1101 3=C3@1101', 'out 1=C1+b1@1101 2=C2+b2@1101 3=C3+b3@1101'],
      ['left 0=D0@1102 1=D1@1102 2=D2@1102 3=D3@1102', 'out 2=D2+b2@1102 3=D3+b3@1102'],
      ['left 0=E0@1103 1=E1@1103 2=E2@1103 3=E3@1103', 'out 3=E3+b3@1103'],
      ['left 0=F0@1104 1=F1@1104 2=F2@1104 3=F3@1104'],
      [
        'left 0=dummy@1405',
        'out 0=C0+null@1101 0=D0+null@1102 1=D1+null@1102 0=E0+null@1103 1=E1+null@1103 2=E2+null@1103',
        'out 0=F0+null@1104 1=F1+null@1104 2=F2+null@1104 3=F3+null@1104',
      ],
    ],
  },
  {
    name: 'left: lower edge, where late ones come out at once',
    source: kafka('KStreamKStreamLeftJoin › testWindowing (lower window bound)'),
    build: joined('leftJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=b0@1000 1=b1@1001 2=b2@1002 3=b3@1003'],
      ['left 0=G0@899 1=G1@899 2=G2@899 3=G3@899', 'out 0=G0+null@899 1=G1+null@899 2=G2+null@899 3=G3+null@899'],
      ['left 0=H0@900 1=H1@900 2=H2@900 3=H3@900', 'out 0=H0+b0@1000 1=H1+null@900 2=H2+null@900 3=H3+null@900'],
      ['left 0=I0@901 1=I1@901 2=I2@901 3=I3@901', 'out 0=I0+b0@1000 1=I1+b1@1001 2=I2+null@901 3=I3+null@901'],
      ['left 0=J0@902 1=J1@902 2=J2@902 3=J3@902', 'out 0=J0+b0@1000 1=J1+b1@1001 2=J2+b2@1002 3=J3+null@902'],
      ['left 0=K0@903 1=K1@903 2=K2@903 3=K3@903', 'out 0=K0+b0@1000 1=K1+b1@1001 2=K2+b2@1002 3=K3+b3@1003'],
      ['left 0=dummy@1203'],
      ['left 1=dummy@1600', 'out 0=dummy+null@1203'],
    ],
  },
  {
    name: 'outer: two records of one key and time are two',
    source: kafka('KStreamKStreamOuterJoin › testOuterJoinDuplicates'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 10 })),
    steps: [
      ['left 0=A0@0 0=A0-0@0'],
      ['right 1=11@0 1=12@0'],
      ['right 1=10@111', 'out 1=null+11@0 1=null+12@0 0=A0+null@0 0=A0-0+null@0'],
      ['right 3=100@211'],
      ['left 2=A2@200 2=A2-0@200'],
      ['right 2=13@201 2=14@201', 'out 2=A2+13@201 2=A2-0+13@201 2=A2+14@201 2=A2-0+14@201'],
      ['right 3=100@1500', 'out 1=null+10@111 3=null+100@211'],
    ],
  },
  {
    name: 'outer: unmatched of the left, on a record of the left',
    source: kafka('KStreamKStreamOuterJoin › testLeftExpiredNonJoinedRecordsAreEmittedByTheLeftProcessor'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1 1=A1@2 0=A0-0@3'],
      ['right 1=11@3', 'out 1=A1+11@3'],
      ['left 2=dummy@401', 'out 0=A0+null@1 0=A0-0+null@3'],
      ['right 2=100@401', 'out 2=dummy+100@401'],
    ],
  },
  {
    name: 'outer: unmatched of the left, on a record of the right',
    source: kafka('KStreamKStreamOuterJoin › testLeftExpiredNonJoinedRecordsAreEmittedByTheRightProcessor'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@1 1=A1@2 0=A0-0@3'],
      ['right 1=11@3', 'out 1=A1+11@3'],
      ['right 2=100@401', 'out 0=A0+null@1 0=A0-0+null@3'],
      ['left 2=dummy@402', 'out 2=dummy+100@402'],
    ],
  },
  {
    name: 'outer: unmatched of the right, on a record of the left',
    source: kafka('KStreamKStreamOuterJoin › testRightExpiredNonJoinedRecordsAreEmittedByTheLeftProcessor'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=10@1 1=11@2 0=12@3'],
      ['left 1=A1@3', 'out 1=A1+11@3'],
      ['left 2=dummy@401', 'out 0=null+10@1 0=null+12@3'],
      ['right 2=100@402', 'out 2=dummy+100@402'],
    ],
  },
  {
    name: 'outer: unmatched of the right, on a record of the right',
    source: kafka('KStreamKStreamOuterJoin › testRightExpiredNonJoinedRecordsAreEmittedByTheRightProcessor'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=10@1 1=11@2 0=12@3'],
      ['left 1=A1@3', 'out 1=A1+11@3'],
      ['right 2=100@401', 'out 0=null+10@1 0=null+12@3'],
      ['left 2=dummy@402', 'out 2=dummy+100@402'],
    ],
  },
  {
    name: 'outer: the unmatched of closed windows come before the match',
    source: kafka('KStreamKStreamOuterJoin › testOrdering'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [['left 0=A0@0'], ['left 1=A1@100'], ['right 1=11@110', 'out 0=A0+null@0 1=A1+11@110']],
  },
  {
    name: 'outer: nothing unmatched within the grace; of one time the right goes first',
    source: kafka('KStreamKStreamOuterJoin › testGracePeriod'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 10 })),
    steps: [
      ['left 0=A0@0'],
      ['right 1=11@0'],
      ['left 1=A1@101'],
      ['right 0=10@101'],
      ['right 0=100@112', 'out 1=null+11@0 0=A0+null@0'],
    ],
  },
  {
    name: 'outer: each side closes by its own span',
    source: kafka('KStreamKStreamOuterJoin › testEmitAllNonJoinedResultsForAsymmetricWindow'),
    build: joined('outerJoin', joinWindows({ beforeMs: 5, afterMs: 20, graceMs: 0 })),
    steps: [
      ['left 0=A0@29'],
      ['left 1=A1@30'],
      ['right 2=12@31'],
      ['right 3=13@36'],
      ['right 4=14@37', 'out 2=null+12@31'],
      ['right 5=15@50', 'out 0=A0+null@29 3=null+13@36 4=null+14@37'],
    ],
  },
  {
    name: 'outer: all matched, nothing unmatched',
    source: kafka('KStreamKStreamOuterJoin › testOuterJoinWithDefaultSuppliers'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=10@0 1=11@0', 'out 0=A0+10@0 1=A1+11@0'],
      ['left 0=B0@0 1=B1@0 2=B2@0', 'out 0=B0+10@0 1=B1+11@0'],
      ['right 0=20@0 1=21@0 2=22@0 3=23@0', 'out 0=A0+20@0 0=B0+20@0 1=A1+21@0 1=B1+21@0 2=B2+22@0'],
      ['left 0=C0@0 1=C1@0 2=C2@0 3=C3@0', 'out 0=C0+10@0 0=C0+20@0 1=C1+11@0 1=C1+21@0 2=C2+22@0 3=C3+23@0'],
      ['left 0=dummy@400'],
    ],
  },
  {
    name: 'outer: nothing comes before',
    source: kafka('KStreamKStreamOuterJoin › testShouldNotEmitLeftJoinResultForAsymmetricBeforeWindow'),
    build: joined('outerJoin', joinWindows({ beforeMs: 0, afterMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@1'],
      ['right 0=10@100', 'out 0=A0+10@100'],
      ['right 1=11@102', 'out 1=A1+null@1'],
      ['right 2=12@103', 'out 1=null+11@102'],
      ['left 2=A2@103', 'out 2=A2+12@103'],
    ],
  },
  {
    name: 'outer: nothing comes after',
    source: kafka('KStreamKStreamOuterJoin › testShouldNotEmitLeftJoinResultForAsymmetricAfterWindow'),
    build: joined('outerJoin', joinWindows({ beforeMs: 100, afterMs: 0, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@1', 'out 0=A0+null@0'],
      ['right 1=11@1', 'out 1=A1+11@1'],
      ['right 2=12@101'],
      ['right 3=13@101'],
      ['left 2=A2@201', 'out 2=A2+12@201'],
    ],
  },
  {
    name: 'outer: upper edge, and the unmatched of both sides',
    source: kafka('KStreamKStreamOuterJoin › testWindowing (upper window bound)'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['left 0=A0@0 1=A1@0'],
      ['right 0=10@0 1=11@0 2=12@0 3=13@0', 'out 0=A0+10@0 1=A1+11@0'],
      ['right 0=20@1000 1=21@1001 2=22@1002 3=23@1003', 'out 2=null+12@0 3=null+13@0'],
      ['left 0=B0@1100 1=B1@1100 2=B2@1100 3=B3@1100', 'out 0=B0+20@1100 1=B1+21@1100 2=B2+22@1100 3=B3+23@1100'],
      ['left 0=C0@1101 1=C1@1101 2=C2@1101 3=C3@1101', 'out 1=C1+21@1101 2=C2+22@1101 3=C3+23@1101'],
      ['left 0=D0@1102 1=D1@1102 2=D2@1102 3=D3@1102', 'out 2=D2+22@1102 3=D3+23@1102'],
      ['left 0=E0@1103 1=E1@1103 2=E2@1103 3=E3@1103', 'out 3=E3+23@1103'],
      ['left 0=F0@1104 1=F1@1104 2=F2@1104 3=F3@1104'],
      [
        'left 0=dummy@1405',
        'out 0=C0+null@1101 0=D0+null@1102 1=D1+null@1102 0=E0+null@1103 1=E1+null@1103 2=E2+null@1103',
        'out 0=F0+null@1104 1=F1+null@1104 2=F2+null@1104 3=F3+null@1104',
      ],
    ],
  },
  {
    name: 'outer: lower edge, where late ones come out at once',
    source: kafka('KStreamKStreamOuterJoin › testWindowing (lower window bound)'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 0 })),
    steps: [
      ['right 0=20@1000 1=21@1001 2=22@1002 3=23@1003'],
      ['left 0=G0@899 1=G1@899 2=G2@899 3=G3@899', 'out 0=G0+null@899 1=G1+null@899 2=G2+null@899 3=G3+null@899'],
      ['left 0=H0@900 1=H1@900 2=H2@900 3=H3@900', 'out 0=H0+20@1000 1=H1+null@900 2=H2+null@900 3=H3+null@900'],
      ['left 0=I0@901 1=I1@901 2=I2@901 3=I3@901', 'out 0=I0+20@1000 1=I1+21@1001 2=I2+null@901 3=I3+null@901'],
      ['left 0=J0@902 1=J1@902 2=J2@902 3=J3@902', 'out 0=J0+20@1000 1=J1+21@1001 2=J2+22@1002 3=J3+null@902'],
      ['left 0=K0@903 1=K1@903 2=K2@903 3=K3@903', 'out 0=K0+20@1000 1=K1+21@1001 2=K2+22@1002 3=K3+23@1003'],
      ['left 0=dummy@1103'],
      ['left 1=dummy@1600', 'out 0=dummy+null@1103'],
    ],
  },
  {
    name: 'an unmatched record has the headers of the record that closed it, a match those of the later one',
    source: kafka('KStreamKStreamOuterJoin › testShouldForwardCurrentHeaders'),
    build: joined('outerJoin', joinWindows({ differenceMs: 100, graceMs: 10 })),
    steps: [
      ['left 0=A0@0#h:0'],
      ['right 1=10@0#h:1'],
      ['right 3=100@211#h:2', 'out 1=null+10@0#h:2 0=A0+null@0#h:2'],
      ['left 2=A2@200#h:3'],
      ['right 2=13@201#h:4', 'out 2=A2+13@201#h:4'],
    ],
  },
  {
    name: 'the standard list of records, join',
    source: kafka('StreamStreamJoinIntegration › testInner'),
    build: joined('join', WIDE, dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16'],
      ['right ~=e@17'],
    ],
  },
  {
    name: 'the standard list of records, leftJoin',
    source: kafka('StreamStreamJoinIntegration › testLeft'),
    build: joined('leftJoin', WIDE, dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16', 'out ~=E-null@16'],
      ['right ~=e@17'],
    ],
  },
  {
    name: 'the standard list of records, outerJoin',
    source: kafka('StreamStreamJoinIntegration › testOuter'),
    build: joined('outerJoin', WIDE, dash),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16', 'out ~=E-null@16'],
      ['right ~=e@17', 'out ~=null-e@17'],
    ],
  },
  {
    name: 'the same with both keys changed, join',
    source: kafka('StreamStreamJoinIntegration › testInnerRepartitioned'),
    build: rekeyed('join'),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16'],
      ['right ~=e@17'],
    ],
  },
  {
    name: 'the same with both keys changed, leftJoin',
    source: kafka('StreamStreamJoinIntegration › testLeftRepartitioned'),
    build: rekeyed('leftJoin'),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16', 'out ~=E-null@16'],
      ['right ~=e@17'],
    ],
  },
  {
    name: 'the same with both keys changed, outerJoin',
    source: kafka('StreamStreamJoinIntegration › testOuterRepartitioned'),
    build: rekeyed('outerJoin'),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=A-b@6 X=B-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a@9 X=C-b@9'],
      ['right X=c@10', 'out X=A-c@10 X=B-c@10 X=C-c@10'],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@14', 'out X=A-d@14 X=B-d@14 X=C-d@14'],
      ['left X=D@15', 'out X=D-a@15 X=D-b@15 X=D-c@15 X=D-d@15'],
      ['left ~=E@16', 'out ~=E-null@16'],
      ['right ~=e@17', 'out ~=null-e@17'],
    ],
  },
  {
    name: 'three streams in one chain',
    source: kafka('StreamStreamJoinIntegration › testMultiInner'),
    build: chain,
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a-a@4'],
      ['left X=B@5', 'out X=B-a-a@5'],
      ['right X=b@6', 'out X=A-b-a@6 X=B-b-a@6 X=A-a-b@6 X=B-a-b@6 X=A-b-b@6 X=B-b-b@6'],
      ['left X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-a-a@9 X=C-a-b@9 X=C-b-a@9 X=C-b-b@9'],
      [
        'right X=c@10',
        'out X=A-c-a@10 X=A-c-b@10 X=B-c-a@10 X=B-c-b@10 X=C-c-a@10 X=C-c-b@10 X=A-a-c@10 X=B-a-c@10 X=A-b-c@10',
        'out X=B-b-c@10 X=C-a-c@10 X=C-b-c@10 X=A-c-c@10 X=B-c-c@10 X=C-c-c@10',
      ],
      ['right X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      [
        'right X=d@14',
        'out X=A-d-a@14 X=A-d-b@14 X=A-d-c@14 X=B-d-a@14 X=B-d-b@14 X=B-d-c@14 X=C-d-a@14 X=C-d-b@14 X=C-d-c@14',
        'out X=A-a-d@14 X=B-a-d@14 X=A-b-d@14 X=B-b-d@14 X=C-a-d@14 X=C-b-d@14 X=A-c-d@14 X=B-c-d@14 X=C-c-d@14',
        'out X=A-d-d@14 X=B-d-d@14 X=C-d-d@14',
      ],
      [
        'left X=D@15',
        'out X=D-a-a@15 X=D-a-b@15 X=D-a-c@15 X=D-a-d@15 X=D-b-a@15 X=D-b-b@15 X=D-b-c@15 X=D-b-d@15 X=D-c-a@15',
        'out X=D-c-b@15 X=D-c-c@15 X=D-c-d@15 X=D-d-a@15 X=D-d-b@15 X=D-d-c@15 X=D-d-d@15',
      ],
      ['left ~=E@16'],
      ['right ~=e@17'],
    ],
  },
  {
    name: 'a stream joined with itself',
    source: kafka('StreamStreamJoinIntegration › testSelfJoin'),
    build: self,
    steps: [
      ['left X=~@1'],
      ['left X=A@2', 'out X=A-A@2'],
      ['left X=B@3', 'out X=B-A@3 X=A-B@3 X=B-B@3'],
      ['left X=~@4'],
      ['left X=C@5', 'out X=C-A@5 X=C-B@5 X=A-C@5 X=B-C@5 X=C-C@5'],
    ],
  },
  {
    name: 'a null key of the left comes out at once',
    source: kafka('RelaxedNullKeyRequirementJoin › testRelaxedLeftStreamStreamJoin'),
    build: joined('leftJoin', joinWindows({ differenceMs: 60_000, graceMs: 10_000 })),
    steps: [['left ~=leftValue@1', 'out ~=leftValue+null@1'], ['right ~=rightValue@2']],
  },
  {
    name: 'null keys of both sides come out at once',
    source: kafka('RelaxedNullKeyRequirementJoin › testRelaxedOuterStreamStreamJoin'),
    build: joined('outerJoin', joinWindows({ differenceMs: 60_000, graceMs: 10_000 })),
    steps: [
      ['right ~=rightValue@1', 'out ~=null+rightValue@1'],
      ['left ~=leftValue@2', 'out ~=leftValue+null@2'],
    ],
  },
  {
    name: 'an inner join drops null keys',
    source: kafka(
      'RelaxedNullKeyRequirementJoin › testDropNullKeyRecordsForRepartitionNodesWithNoRelaxedJoinDownstream',
    ),
    build: joined('join', joinWindows({ differenceMs: 60_000, graceMs: 10_000 })),
    steps: [['left ~=leftValue@1'], ['right ~=rightValue@2']],
  },
  {
    name: 'inner, within 11 s',
    source: ksql('joins.json › stream stream inner join'),
    build: joined('join', joinWindows({ differenceMs: 11_000, graceMs: 86_400_000 })),
    steps: [
      ['left 0=zero|0@0'],
      ['right 0=blah|50@10000', 'out 0=zero|0+blah|50@10000'],
      ['left 10=100|5@11000'],
      ['left 0=foo|100@13000', 'out 0=foo|100+blah|50@13000'],
      ['right 0=a|10@15000', 'out 0=foo|100+a|10@15000'],
      ['right 100=newblah|150@16000'],
      ['left 90=ninety|90@17000'],
      ['left 0=bar|99@30000'],
    ],
  },
  {
    name: 'inner, within 11 s before and 10 s after',
    source: ksql('joins.json › stream stream inner join with different before and after windows'),
    build: joined('join', joinWindows({ beforeMs: 11_000, afterMs: 10_000, graceMs: 86_400_000 })),
    steps: [
      ['left 0=zero|0@0'],
      ['right 0=blah|50@11000'],
      ['left 10=100|5@12000'],
      ['left 0=foo|100@13000', 'out 0=foo|100+blah|50@13000'],
      ['right 0=a|10@15000', 'out 0=foo|100+a|10@15000'],
      ['right 100=newblah|150@16000'],
      ['left 90=ninety|90@17000'],
      ['left 0=bar|99@30000'],
    ],
  },
  {
    name: 'inner, a late message',
    source: ksql('joins.json › stream stream inner join with out of order messages'),
    build: joined('join', joinWindows({ differenceMs: 10_000, graceMs: 86_400_000 })),
    steps: [
      ['left 0=zero|0@0'],
      ['right 0=blah|50@9999', 'out 0=zero|0+blah|50@9999'],
      ['left 10=100|5@11000'],
      ['left 0=foo|100@13000', 'out 0=foo|100+blah|50@13000'],
      ['right 0=a|10@15000', 'out 0=foo|100+a|10@15000'],
      ['right 100=newblah|150@16000'],
      ['left 90=ninety|90@17000'],
      ['left 0=bar|99@30000'],
      ['left 0=late-message|10000@6000', 'out 0=late-message|10000+blah|50@9999 0=late-message|10000+a|10@15000'],
    ],
  },
  {
    name: 'inner: what is older than a side keeps does not join',
    source: ksql('joins.json › stream stream inner join with out of order and custom grace period'),
    build: joined('join', joinWindows({ differenceMs: 60_000, graceMs: 60_000 })),
    steps: [
      ['left 0=A@0'],
      ['right 0=a@60000', 'out 0=A+a@60000'],
      ['left 1=B@330000'],
      ['left 2=C@90000'],
      ['right 2=c@90000'],
      ['left 3=D@60000'],
      ['right 3=d@60000'],
    ],
  },
  {
    name: 'left: what comes after window and grace is unmatched at once',
    source: ksql('joins.json › stream stream left join with out of order and custom grace period'),
    build: joined('leftJoin', joinWindows({ differenceMs: 60_000, graceMs: 60_000 })),
    steps: [
      ['left 0=A@0'],
      ['right 0=a@60000', 'out 0=A+a@60000'],
      ['left 1=B@330000'],
      ['left 2=C@90000', 'out 2=C+null@90000'],
      ['right 2=c@90000'],
      ['left 3=D@60000', 'out 3=D+null@60000'],
      ['right 3=d@60000'],
    ],
  },
  {
    name: 'outer: what comes after window and grace is unmatched at once',
    source: ksql('joins.json › stream stream full outer join with out of order and custom grace period'),
    build: joined('outerJoin', joinWindows({ differenceMs: 60_000, graceMs: 60_000 })),
    steps: [
      ['left 0=A@0'],
      ['right 0=a@60000', 'out 0=A+a@60000'],
      ['right 1=b@330000'],
      ['right 2=c@90000', 'out 2=null+c@90000'],
      ['left 2=C@90000', 'out 2=C+null@90000'],
      ['right 3=d@60000', 'out 3=null+d@60000'],
      ['left 3=D@60000', 'out 3=D+null@60000'],
    ],
  },
  {
    name: 'joined, then filtered',
    source: ksql('joins.json › with where'),
    build: joinedAndEqual,
    steps: [['left user_0=urlA@10'], ['right user_0=urlX@11'], ['right user_0=urlA@12', 'out user_0=urlA+urlA@12']],
  },
  {
    name: 'two streams without keys, joined by what is in them',
    source: ksql('joins.json › streams with no key columns (stream->stream)'),
    build: joinedByField,
    steps: [['left ~=0|1|2@10'], ['right ~=0|-1|-2@11', 'out 0=0|1|2+0|-1|-2@11']],
  },
  {
    name: 'closed when time + after + grace lies behind stream time, not at it',
    source: ran,
    build: joined('leftJoin', joinWindows({ differenceMs: 5, graceMs: 10 })),
    steps: [
      ['left a=A@100'],
      ['right z=z@115'],
      ['right z=z@116', 'out a=A+null@100'],
      ['left b=B@120'],
      ['left c=C@135'],
      ['left c=C@136', 'out b=B+null@120'],
    ],
  },
  {
    name: 'each side keeps its records by its own newest time',
    source: ran,
    build: joined('join', joinWindows({ differenceMs: 10, graceMs: 0 })),
    steps: [
      ['left a=A@0'],
      ['right z=z@1000'],
      ['right a=r@5', 'out a=A+r@5'],
      ['left z=q@1000', 'out z=q+z@1000'],
      ['right a=r2@6'],
    ],
  },
  {
    name: 'unmatched ones of one time: the right side first',
    source: ran,
    build: joined('outerJoin', joinWindows({ differenceMs: 5, graceMs: 0 })),
    steps: [
      ['left b=L@10'],
      ['right a=R@10'],
      ['left c=L@10'],
      ['right d=R@10'],
      ['left z=z@100', 'out a=null+R@10 d=null+R@10 b=L+null@10 c=L+null@10'],
    ],
  },
  {
    name: 'left: a key that becomes null comes out at once',
    source: ran,
    build: keyOrNull,
    steps: [['right a=r@1'], ['left k=a@2', 'out a=a+r@2'], ['left k=n@3', 'out ~=n+null@3']],
  },
  {
    name: 'events ordered by a field',
    source: ksql('join-with-custom-timestamp.json › stream stream inner join with ts extractor both sides'),
    build: joinedByOwnTime,
    steps: [
      ['left 0=zero,0@0'],
      ['right 0=blah,10000@0', 'out 0=zero,0+blah,10000@10000'],
      ['right 10=foo,13000@0'],
      ['left 10=100,11000@0', 'out 10=100,11000+foo,13000@13000'],
      ['left 0=jan,8000@0', 'out 0=jan,8000+blah,10000@10000'],
    ],
  },
];
