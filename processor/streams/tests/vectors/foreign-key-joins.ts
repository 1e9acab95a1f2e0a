import type { KTable, StreamsBuilder } from '../../index.ts';
import { TEXT, kafka, ksql, ofTables, pair, type Build, type Text, type Vector } from './vector.ts';

export type ForeignKind = 'join' | 'leftJoin';
type Texts = KTable<string, string>;
type ForeignKey = (value: string, key: string) => Text;

/** Of `value|foreign key`. */
const behindBar: ForeignKey = (value) => value.split('|')[1] ?? null;

export function joinByForeignKey(
  kind: ForeignKind,
  left: Texts,
  right: Texts,
  foreignKey: ForeignKey = behindBar,
): Texts {
  const options = { foreignKey, name: 'by-foreign-key', ...TEXT };
  return kind === 'join' ? left.join(right, pair, options) : left.leftJoin(right, pair, options);
}

const foreign =
  (kind: ForeignKind): Build =>
  (builder) => {
    joinByForeignKey(kind, builder.table('left', TEXT), builder.table('right', TEXT)).toStream().to('out', TEXT);
  };

const foreignByKey =
  (kind: ForeignKind): Build =>
  (builder) => {
    const behindComma: ForeignKey = (_value, key) => key.split(',')[1] ?? null;
    joinByForeignKey(kind, builder.table('left', TEXT), builder.table('right', TEXT), behindComma)
      .toStream()
      .to('out', TEXT);
  };

const rejoined =
  (kind: ForeignKind): Build =>
  (builder) => {
    const left = builder.table('left', TEXT);
    const first = joinByForeignKey(kind, left, builder.table('right', TEXT));
    const again = (result: Text, value: Text): string => `rejoin(${String(result)},${String(value)})`;
    (kind === 'join' ? first.join(left, again) : first.leftJoin(left, again))
      .toStream()
      .filter((value) => value?.includes('(null') !== true)
      .to('out', TEXT);
  };

const threeTables = (builder: StreamsBuilder): void => {
  const both = joinByForeignKey('join', builder.table('left', TEXT), builder.table('middle', TEXT));
  both.leftJoin(builder.table('right', TEXT), pair).toStream().to('out', TEXT);
};

export const FOREIGN_KEY_JOINS: readonly Vector[] = ofTables([
  {
    name: 'inner: from the left, then the left is deleted',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenDeleteLeftEntity'),
    build: foreign('join'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['right rhs3=rhsValue3@2'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3'],
      ['left lhs2=lhsValue2|rhs2@4', 'out lhs2=(lhsValue2|rhs2,rhsValue2)@4'],
      ['left lhs3=lhsValue3|rhs1@5', 'out lhs3=(lhsValue3|rhs1,rhsValue1)@5'],
      ['left lhs1=~@6', 'out lhs1=~@6'],
    ],
  },
  {
    name: 'inner: the foreign key changes and changes back',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenUpdateFkThenRevertBack'),
    build: foreign('join'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3'],
      ['left lhs1=lhsValue1|rhs2@5', 'out lhs1=(lhsValue1|rhs2,rhsValue2)@5'],
      ['left lhs1=lhsValue1|rhs1@6', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@6'],
    ],
  },
  {
    name: 'inner: from the right, then the right is deleted',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromRightThenDeleteRightEntity'),
    build: foreign('join'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0'],
      ['left lhs2=lhsValue2|rhs2@1'],
      ['left lhs3=lhsValue3|rhs1@2'],
      ['right rhs1=rhsValue1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3 lhs3=(lhsValue3|rhs1,rhsValue1)@3'],
      ['right rhs2=rhsValue2@4', 'out lhs2=(lhsValue2|rhs2,rhsValue2)@4'],
      ['right rhs3=rhsValue3@5'],
      ['right rhs1=~@6', 'out lhs1=~@6 lhs3=~@6'],
    ],
  },
  {
    name: 'inner: a row without match is deleted: one tombstone',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitTombstoneWhenDeletingNonJoiningRecords'),
    build: foreign('join'),
    steps: [['left lhs1=lhsValue1|rhs1@0'], ['left lhs1=~@1', 'out lhs1=~@1'], ['left lhs1=~@2']],
  },
  {
    name: 'inner: a row that was never there is deleted: nothing',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldNotEmitTombstonesWhenDeletingNonExistingRecords'),
    build: foreign('join'),
    steps: [['left lhs1=~@0']],
  },
  {
    name: 'inner: from one foreign key without match to another',
    source: kafka('KTableKTableForeignKeyJoinIntegration › joinShouldProduceNullsWhenValueHasNonMatchingForeignKey'),
    build: foreign('join'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0'],
      ['left lhs1=lhsValue1|rhs2@1', 'out lhs1=~@1'],
      ['left lhs1=lhsValue1|rhs3@2', 'out lhs1=~@2'],
      ['right rhs1=rhsValue1@3'],
      ['left lhs1=lhsValue1|rhs1@4', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs1=lhsValue1|rhs2@5', 'out lhs1=~@5'],
    ],
  },
  {
    name: 'inner: the old foreign key is forgotten',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldUnsubscribeOldForeignKeyIfLeftSideIsUpdated'),
    build: foreign('join'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@2', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@2'],
      ['left lhs1=lhsValue1|rhs2@3', 'out lhs1=(lhsValue1|rhs2,rhsValue2)@3'],
      ['right rhs1=rhsValue1Delta@4'],
    ],
  },
  {
    name: 'inner: a foreign key becomes null',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitRecordWhenOldAndNewFkDiffer'),
    build: foreign('join'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0'],
      ['left lhs1=lhsValue1@0', 'out lhs1=~@0'],
      ['right rhs1=rhsValue1@1'],
      ['left lhs1=lhsValue1|rhs1@2', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@2'],
      ['left lhs1=lhsValue1@3', 'out lhs1=~@3'],
    ],
  },
  {
    name: 'inner: a null foreign key',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitRecordOnNullForeignKeyForLeftJoins'),
    build: foreign('join'),
    steps: [['left lhs1=lhsValue1@0'], ['left lhs1=~@1']],
  },
  {
    name: 'inner: records out of order count',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldIgnoreOutOfOrderRecordsIffVersioned'),
    build: foreign('join'),
    steps: [
      ['right rhs1=rhsValue1@4'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2|rhs1@5', 'out lhs2=(lhsValue2|rhs1,rhsValue1)@5'],
      ['left lhs2=~@6', 'out lhs2=~@6'],
      ['left lhs1=lhsValue1_ooo|rhs1@2', 'out lhs1=(lhsValue1_ooo|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2_ooo|rhs1@2', 'out lhs2=(lhsValue2_ooo|rhs1,rhsValue1)@4'],
      ['left lhs1=~@2', 'out lhs1=~@4'],
      ['left lhs1=lhsValue1_new|rhs1@8', 'out lhs1=(lhsValue1_new|rhs1,rhsValue1)@8'],
      ['left lhs2=lhsValue2_new|rhs1@8', 'out lhs2=(lhsValue2_new|rhs1,rhsValue1)@8'],
      [
        'right rhs1=rhsValue1_ooo@1',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_ooo)@1 lhs2=(lhsValue2_new|rhs1,rhsValue1_ooo)@1',
      ],
      ['right rhs1=~@1', 'out lhs1=~@1 lhs2=~@1'],
      [
        'right rhs1=rhsValue1_new@6',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_new)@6 lhs2=(lhsValue2_new|rhs1,rhsValue1_new)@6',
      ],
    ],
  },
  {
    name: 'inner: the result joined again with its left',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenDeleteLeftEntity (rejoin)'),
    build: rejoined('join'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=rejoin((lhsValue1|rhs1,rhsValue1),lhsValue1|rhs1)@3'],
      ['left lhs2=lhsValue2|rhs2@4', 'out lhs2=rejoin((lhsValue2|rhs2,rhsValue2),lhsValue2|rhs2)@4'],
      ['left lhs3=lhsValue3|rhs1@5', 'out lhs3=rejoin((lhsValue3|rhs1,rhsValue1),lhsValue3|rhs1)@5'],
    ],
  },
  {
    name: 'left: from the left, then the left is deleted',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenDeleteLeftEntity'),
    build: foreign('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['right rhs3=rhsValue3@2'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3'],
      ['left lhs2=lhsValue2|rhs2@4', 'out lhs2=(lhsValue2|rhs2,rhsValue2)@4'],
      ['left lhs3=lhsValue3|rhs1@5', 'out lhs3=(lhsValue3|rhs1,rhsValue1)@5'],
      ['left lhs1=~@6', 'out lhs1=~@6'],
    ],
  },
  {
    name: 'left: the foreign key changes and changes back',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenUpdateFkThenRevertBack'),
    build: foreign('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3'],
      ['left lhs1=lhsValue1|rhs2@5', 'out lhs1=(lhsValue1|rhs2,rhsValue2)@5'],
      ['left lhs1=lhsValue1|rhs1@6', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@6'],
    ],
  },
  {
    name: 'left: from the right, then the right is deleted',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromRightThenDeleteRightEntity'),
    build: foreign('leftJoin'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0', 'out lhs1=(lhsValue1|rhs1,null)@0'],
      ['left lhs2=lhsValue2|rhs2@1', 'out lhs2=(lhsValue2|rhs2,null)@1'],
      ['left lhs3=lhsValue3|rhs1@2', 'out lhs3=(lhsValue3|rhs1,null)@2'],
      ['right rhs1=rhsValue1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@3 lhs3=(lhsValue3|rhs1,rhsValue1)@3'],
      ['right rhs2=rhsValue2@4', 'out lhs2=(lhsValue2|rhs2,rhsValue2)@4'],
      ['right rhs3=rhsValue3@5'],
      ['right rhs1=~@6', 'out lhs1=(lhsValue1|rhs1,null)@6 lhs3=(lhsValue3|rhs1,null)@6'],
    ],
  },
  {
    name: 'left: a row without match is deleted: one tombstone',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitTombstoneWhenDeletingNonJoiningRecords'),
    build: foreign('leftJoin'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0', 'out lhs1=(lhsValue1|rhs1,null)@0'],
      ['left lhs1=~@1', 'out lhs1=~@1'],
      ['left lhs1=~@2'],
    ],
  },
  {
    name: 'left: a row that was never there is deleted: nothing',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldNotEmitTombstonesWhenDeletingNonExistingRecords'),
    build: foreign('leftJoin'),
    steps: [['left lhs1=~@0']],
  },
  {
    name: 'left: from one foreign key without match to another',
    source: kafka('KTableKTableForeignKeyJoinIntegration › joinShouldProduceNullsWhenValueHasNonMatchingForeignKey'),
    build: foreign('leftJoin'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0', 'out lhs1=(lhsValue1|rhs1,null)@0'],
      ['left lhs1=lhsValue1|rhs2@1', 'out lhs1=(lhsValue1|rhs2,null)@1'],
      ['left lhs1=lhsValue1|rhs3@2', 'out lhs1=(lhsValue1|rhs3,null)@2'],
      ['right rhs1=rhsValue1@3'],
      ['left lhs1=lhsValue1|rhs1@4', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs1=lhsValue1|rhs2@5', 'out lhs1=(lhsValue1|rhs2,null)@5'],
    ],
  },
  {
    name: 'left: the old foreign key is forgotten',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldUnsubscribeOldForeignKeyIfLeftSideIsUpdated'),
    build: foreign('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@2', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@2'],
      ['left lhs1=lhsValue1|rhs2@3', 'out lhs1=(lhsValue1|rhs2,rhsValue2)@3'],
      ['right rhs1=rhsValue1Delta@4'],
    ],
  },
  {
    name: 'left: a foreign key becomes null',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitRecordWhenOldAndNewFkDiffer'),
    build: foreign('leftJoin'),
    steps: [
      ['left lhs1=lhsValue1|rhs1@0', 'out lhs1=(lhsValue1|rhs1,null)@0'],
      ['left lhs1=lhsValue1@0', 'out lhs1=(lhsValue1,null)@0'],
      ['right rhs1=rhsValue1@1'],
      ['left lhs1=lhsValue1|rhs1@2', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@2'],
      ['left lhs1=lhsValue1@3', 'out lhs1=(lhsValue1,null)@3'],
    ],
  },
  {
    name: 'left: a null foreign key',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldEmitRecordOnNullForeignKeyForLeftJoins'),
    build: foreign('leftJoin'),
    steps: [
      ['left lhs1=lhsValue1@0', 'out lhs1=(lhsValue1,null)@0'],
      ['left lhs1=~@1', 'out lhs1=~@1'],
    ],
  },
  {
    name: 'left: records out of order count',
    source: kafka('KTableKTableForeignKeyJoinIntegration › shouldIgnoreOutOfOrderRecordsIffVersioned'),
    build: foreign('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@4'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=(lhsValue1|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2|rhs1@5', 'out lhs2=(lhsValue2|rhs1,rhsValue1)@5'],
      ['left lhs2=~@6', 'out lhs2=~@6'],
      ['left lhs1=lhsValue1_ooo|rhs1@2', 'out lhs1=(lhsValue1_ooo|rhs1,rhsValue1)@4'],
      ['left lhs2=lhsValue2_ooo|rhs1@2', 'out lhs2=(lhsValue2_ooo|rhs1,rhsValue1)@4'],
      ['left lhs1=~@2', 'out lhs1=~@2'],
      ['left lhs1=lhsValue1_new|rhs1@8', 'out lhs1=(lhsValue1_new|rhs1,rhsValue1)@8'],
      ['left lhs2=lhsValue2_new|rhs1@8', 'out lhs2=(lhsValue2_new|rhs1,rhsValue1)@8'],
      [
        'right rhs1=rhsValue1_ooo@1',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_ooo)@1 lhs2=(lhsValue2_new|rhs1,rhsValue1_ooo)@1',
      ],
      ['right rhs1=~@1', 'out lhs1=(lhsValue1_new|rhs1,null)@1 lhs2=(lhsValue2_new|rhs1,null)@1'],
      [
        'right rhs1=rhsValue1_new@6',
        'out lhs1=(lhsValue1_new|rhs1,rhsValue1_new)@6 lhs2=(lhsValue2_new|rhs1,rhsValue1_new)@6',
      ],
    ],
  },
  {
    name: 'left: the result joined again with its left',
    source: kafka('KTableKTableForeignKeyJoinIntegration › doJoinFromLeftThenDeleteLeftEntity (rejoin)'),
    build: rejoined('leftJoin'),
    steps: [
      ['right rhs1=rhsValue1@0'],
      ['right rhs2=rhsValue2@1'],
      ['left lhs1=lhsValue1|rhs1@3', 'out lhs1=rejoin((lhsValue1|rhs1,rhsValue1),lhsValue1|rhs1)@3'],
      ['left lhs2=lhsValue2|rhs2@4', 'out lhs2=rejoin((lhsValue2|rhs2,rhsValue2),lhsValue2|rhs2)@4'],
      ['left lhs3=lhsValue3|rhs1@5', 'out lhs3=rejoin((lhsValue3|rhs1,rhsValue1),lhsValue3|rhs1)@5'],
    ],
  },
  {
    name: 'inner: by a column',
    source: ksql('fk-join.json › Should support inner join with left value-column expression'),
    build: foreign('join'),
    steps: [
      ['right 0=blah@0'],
      ['left 1=zero|0@10000', 'out 1=(zero|0,blah)@10000'],
      ['left 0=foo|100@13000'],
      ['right 0=a@15000', 'out 1=(zero|0,a)@15000'],
      ['left 10=bar|0@16000', 'out 10=(bar|0,a)@16000'],
      ['right 0=~@17000', 'out 1=~@17000 10=~@17000'],
      ['left 1=~@18000', 'out 1=~@18000'],
    ],
  },
  {
    name: 'partition counts may differ',
    source: ksql('fk-join.json › Should allow partition count mismatch'),
    build: foreign('join'),
    partitions: { left: 1, right: 2 },
    steps: [
      ['right 0=blah@0'],
      ['left 1=zero|0@10000', 'out 1=(zero|0,blah)@10000'],
      ['left 0=foo|100@13000'],
      ['right 0=a@15000', 'out 1=(zero|0,a)@15000'],
      ['left 10=bar|0@16000', 'out 10=(bar|0,a)@16000'],
      ['right 0=~@17000', 'out 1=~@17000 10=~@17000'],
      ['left 1=~@18000', 'out 1=~@18000'],
    ],
  },
  {
    name: 'inner: by a part of the key',
    source: ksql('fk-join.json › Should support inner join with left key-column expression'),
    build: foreignByKey('join'),
    steps: [
      ['right 0=blah@0'],
      ['left 1,0=zero@10000', 'out 1,0=(zero,blah)@10000'],
      ['left 0,100=foo@13000'],
      ['right 0=a@15000', 'out 1,0=(zero,a)@15000'],
      ['left 10,0=bar@16000', 'out 10,0=(bar,a)@16000'],
      ['right 0=~@17000', 'out 1,0=~@17000 10,0=~@17000'],
      ['left 1,0=~@18000', 'out 1,0=~@18000'],
    ],
  },
  {
    name: 'left: by a column',
    source: ksql('fk-join.json › Should support left join with left value-column expression'),
    build: foreign('leftJoin'),
    steps: [
      ['left 1=zero|0@0', 'out 1=(zero|0,null)@0'],
      ['right 0=blah@10000', 'out 1=(zero|0,blah)@10000'],
      ['left 1=zero|0@11000', 'out 1=(zero|0,blah)@11000'],
      ['left 0=foo|100@13000', 'out 0=(foo|100,null)@13000'],
      ['right 0=a@15000', 'out 1=(zero|0,a)@15000'],
      ['left 10=bar|0@16000', 'out 10=(bar|0,a)@16000'],
      ['right 0=~@17000', 'out 1=(zero|0,null)@17000 10=(bar|0,null)@17000'],
      ['left 1=~@18000', 'out 1=~@18000'],
      ['left 0=~@19000', 'out 0=~@19000'],
    ],
  },
  {
    name: 'left: by a part of the key',
    source: ksql('fk-join.json › Should support left join with left key-column expression'),
    build: foreignByKey('leftJoin'),
    steps: [
      ['left 1,0=zero@0', 'out 1,0=(zero,null)@0'],
      ['right 0=blah@10000', 'out 1,0=(zero,blah)@10000'],
      ['left 1,0=zero@11000', 'out 1,0=(zero,blah)@11000'],
      ['left 0,100=foo@13000', 'out 0,100=(foo,null)@13000'],
      ['right 0=a@15000', 'out 1,0=(zero,a)@15000'],
      ['left 10,0=bar@16000', 'out 10,0=(bar,a)@16000'],
      ['right 0=~@17000', 'out 1,0=(zero,null)@17000 10,0=(bar,null)@17000'],
      ['left 1,0=~@18000', 'out 1,0=~@18000'],
      ['left 0,100=~@19000', 'out 0,100=~@19000'],
    ],
  },
  {
    name: 'the result joined with a third table by its own key',
    source: ksql('fk-n-way-join.json › Should allow fk join at start of n-way join'),
    build: threeTables,
    steps: [
      ['middle 0=100@0'],
      ['left 1=x|0@10000', 'out 1=((x|0,100),null)@10000'],
      ['right 1=4@11000', 'out 1=((x|0,100),4)@11000'],
      ['middle 8=10@13000'],
      ['left 1=x|8@16000', 'out 1=((x|8,10),4)@16000'],
      ['left 1=~@18000', 'out 1=~@18000'],
    ],
  },
]);
