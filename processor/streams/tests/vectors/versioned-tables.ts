import { stringSerde, versionedStore, type KTable, type StreamsBuilder } from '../../index.ts';
import { joinByForeignKey, type ForeignKind } from './foreign-key-joins.ts';
import { joinTables, type Kind } from './table-table-joins.ts';
import { aggregateTable, byValueOrNull, countTable, type KeyAndValue } from './tables.ts';
import { TEXT, dash, kafka, ofTables, ran, type Build, type Vector } from './vector.ts';

const history = (name: string) => versionedStore(name, { value: stringSerde, historyMs: 300_000 });

const versionedTable = (builder: StreamsBuilder, topic = 'in'): KTable<string, string> =>
  builder.table(topic, { ...TEXT, store: history(`${topic}-rows`) });

const aggregated =
  (pairOf: (value: string, key: string) => KeyAndValue): Build =>
  (builder) => {
    aggregateTable(versionedTable(builder), pairOf);
  };

const counted = (builder: StreamsBuilder): void => {
  countTable(versionedTable(builder), (value) => ({ key: value, value }));
};

const rows = (builder: StreamsBuilder): void => {
  versionedTable(builder).toStream().to('out', TEXT);
};

const filtered = (builder: StreamsBuilder): void => {
  versionedTable(builder)
    .filter((value) => !value.startsWith('n'))
    .toStream()
    .to('out', TEXT);
};

const joined =
  (kind: Kind, sides: readonly string[]): Build =>
  (builder) => {
    const table = (topic: string): KTable<string, string> =>
      sides.includes(topic)
        ? versionedTable(builder, topic)
        : builder.table(topic, { ...TEXT, store: `${topic}-rows` });
    joinTables(kind, table('left'), table('right'), dash).toStream().to('out', TEXT);
  };

const foreign =
  (kind: ForeignKind): Build =>
  (builder) => {
    joinByForeignKey(kind, versionedTable(builder, 'left'), versionedTable(builder, 'right'))
      .toStream()
      .to('out', TEXT);
  };

export const VERSIONED_TABLES: readonly Vector[] = ofTables([
  {
    name: 'groupBy of a versioned table: what is out of order does not count',
    source: kafka('KTableAggregate › testAggOfVersionedStore'),
    build: aggregated(byValueOrNull),
    steps: [
      ['in A=1@10', 'out 1=0+1@10'],
      ['in A=~@15', 'out 1=0+1-1@15'],
      ['in A=1@12'],
      ['in B=2@20', 'out 2=0+2@20'],
      ['in null=3@25'],
      ['in B=4@23', 'out 2=0+2-2@23 4=0+4@23'],
      ['in NULL=5@24'],
      ['in B=7@22'],
    ],
  },
  {
    name: 'count of a versioned table',
    source: kafka('KTableAggregate › testCountOfVersionedStore'),
    build: counted,
    steps: [
      ['in A=green@10', 'out green=1@10'],
      ['in B=green@9', 'out green=2@10'],
      ['in A=blue@12', 'out green=1@12 blue=1@12'],
      ['in A=blue@11'],
      ['in C=yellow@15', 'out yellow=1@15'],
      ['in D=green@11', 'out green=2@12'],
    ],
  },
  {
    name: 'what is older than the history is not handed on',
    source: ran,
    build: rows,
    steps: [
      ['in a=1@10', 'out a=1@10'],
      ['in a=2@5', 'out a=2@5'],
      ['in b=3@300010', 'out b=3@300010'],
      ['in a=4@9'],
      ['in a=5@10', 'out a=5@10'],
      ['in a=6@300000', 'out a=6@300000'],
    ],
  },
  {
    name: 'a filter of a versioned table hands on what does not pass, whatever was there before',
    source: kafka('KTableFilter › shouldNotSkipNullIfVersionedUpstream'),
    build: filtered,
    steps: [
      ['in a=1@10', 'out a=1@10'],
      ['in a=2@5', 'out a=2@5'],
      ['in a=n@7', 'out a=~@7'],
      ['in a=3@12', 'out a=3@12'],
      ['in a=~@8', 'out a=~@8'],
      ['in b=n@20', 'out b=~@20'],
    ],
  },
  {
    name: 'Inner join of versioned tables',
    source: kafka('TableTableJoinIntegration › testInnerWithVersionedStores'),
    build: joined('join', ['left', 'right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
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
    name: 'Left join of versioned tables',
    source: kafka('TableTableJoinIntegration › testLeftWithVersionedStores'),
    build: joined('leftJoin', ['left', 'right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
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
    name: 'Outer join of versioned tables',
    source: kafka('TableTableJoinIntegration › testOuterWithVersionedStores'),
    build: joined('outerJoin', ['left', 'right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=null-b@7'],
      ['right X=~@8', 'out X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14', 'out X=null-e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9'],
      ['left X=F@4'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'Inner join, the left versioned',
    source: kafka('TableTableJoinIntegration › testInnerWithLeftVersionedOnly'),
    build: joined('join', ['left']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9', 'out X=~@15'],
      ['left X=F@4'],
      ['right X=f@3', 'out X=E-f@15'],
    ],
  },
  {
    name: 'Left join, the left versioned',
    source: kafka('TableTableJoinIntegration › testLeftWithLeftVersionedOnly'),
    build: joined('leftJoin', ['left']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9', 'out X=E-null@15'],
      ['left X=F@4'],
      ['right X=f@3', 'out X=E-f@15'],
    ],
  },
  {
    name: 'Outer join, the left versioned',
    source: kafka('TableTableJoinIntegration › testOuterWithLeftVersionedOnly'),
    build: joined('outerJoin', ['left']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=null-b@7'],
      ['right X=~@8', 'out X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7', 'out X=null-d@7'],
      ['left X=D@6'],
      ['left X=~@2'],
      ['right X=~@3', 'out X=~@3'],
      ['right X=e@14', 'out X=null-e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10'],
      ['right X=~@9', 'out X=E-null@15'],
      ['left X=F@4'],
      ['right X=f@3', 'out X=E-f@15'],
    ],
  },
  {
    name: 'Inner join, the right versioned',
    source: kafka('TableTableJoinIntegration › testInnerWithRightVersionedOnly'),
    build: joined('join', ['right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=~@11'],
      ['left X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6'],
      ['left X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10', 'out X=~@14'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-e@14'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'Left join, the right versioned',
    source: kafka('TableTableJoinIntegration › testLeftWithRightVersionedOnly'),
    build: joined('leftJoin', ['right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=~@7'],
      ['right X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-null@6'],
      ['left X=~@2', 'out X=~@2'],
      ['right X=~@3'],
      ['right X=e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10', 'out X=~@14'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-e@14'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'Outer join, the right versioned',
    source: kafka('TableTableJoinIntegration › testOuterWithRightVersionedOnly'),
    build: joined('outerJoin', ['right']),
    steps: [
      ['left X=~@1'],
      ['right X=~@2'],
      ['left X=A@3', 'out X=A-null@3'],
      ['right X=a@4', 'out X=A-a@4'],
      ['left X=B@5', 'out X=B-a@5'],
      ['right X=b@6', 'out X=B-b@6'],
      ['left X=~@7', 'out X=null-b@7'],
      ['right X=~@8', 'out X=~@8'],
      ['left X=C@9', 'out X=C-null@9'],
      ['right X=c@10', 'out X=C-c@10'],
      ['right X=~@11', 'out X=C-null@11'],
      ['left X=~@12', 'out X=~@12'],
      ['right X=~@13'],
      ['right X=d@7'],
      ['left X=D@6', 'out X=D-null@6'],
      ['left X=~@2', 'out X=~@2'],
      ['right X=~@3'],
      ['right X=e@14', 'out X=null-e@14'],
      ['left X=E@15', 'out X=E-e@15'],
      ['left X=~@10', 'out X=null-e@14'],
      ['right X=~@9'],
      ['left X=F@4', 'out X=F-e@14'],
      ['right X=f@3'],
    ],
  },
  {
    name: 'inner: of versioned tables, records out of order do not count',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldIgnoreOutOfOrderRecordsIffVersioned'),
    build: foreign('join'),
    steps: [
      ['right rhs1=rhsValue1@4'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2|rhs1@5', 'out lhs2=(lhsValue2|rhs1,rhsValue1)@5'],
      ['left lhs2=~@6', 'out lhs2=~@6'],
      ['left lhs1=lhsValue1_ooo|rhs1@2'],
      ['left lhs2=lhsValue2_ooo|rhs1@2'],
      ['left lhs1=~@2'],
      ['left lhs1=lhsValue1_new|rhs1@8', 'out lhs1=(lhsValue1_new|rhs1,rhsValue1)@8'],
      ['left lhs2=lhsValue2_new|rhs1@8', 'out lhs2=(lhsValue2_new|rhs1,rhsValue1)@8'],
      ['right rhs1=rhsValue1_ooo@1'],
      ['right rhs1=~@1'],
      [
        'right rhs1=rhsValue1_new@6',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_new)@6 lhs2=(lhsValue2_new|rhs1,rhsValue1_new)@6',
      ],
    ],
  },
  {
    name: 'left: of versioned tables, records out of order do not count',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldIgnoreOutOfOrderRecordsIffVersioned'),
    build: foreign('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@4'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2|rhs1@5', 'out lhs2=(lhsValue2|rhs1,rhsValue1)@5'],
      ['left lhs2=~@6', 'out lhs2=~@6'],
      ['left lhs1=lhsValue1_ooo|rhs1@2'],
      ['left lhs2=lhsValue2_ooo|rhs1@2'],
      ['left lhs1=~@2'],
      ['left lhs1=lhsValue1_new|rhs1@8', 'out lhs1=(lhsValue1_new|rhs1,rhsValue1)@8'],
      ['left lhs2=lhsValue2_new|rhs1@8', 'out lhs2=(lhsValue2_new|rhs1,rhsValue1)@8'],
      ['right rhs1=rhsValue1_ooo@1'],
      ['right rhs1=~@1'],
      [
        'right rhs1=rhsValue1_new@6',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_new)@6 lhs2=(lhsValue2_new|rhs1,rhsValue1_new)@6',
      ],
    ],
  },
]);
