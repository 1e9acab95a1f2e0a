import { stringSerde, type KTable, type StreamsBuilder } from '../../index.ts';
import {
  TEXT,
  TEXT_OR_NULL,
  kafka,
  ksql,
  numberText,
  ofTables,
  ran,
  type Build,
  type Text,
  type Vector,
} from './vector.ts';

export type KeyAndValue = { readonly key: Text; readonly value: string } | null;

const isEven = (value: string): boolean => Number(value) % 2 === 0;

const filters = (builder: StreamsBuilder): void => {
  const table = builder.table('in', TEXT);
  table.filter(isEven).toStream().to('even', TEXT);
  table.filterNot(isEven).toStream().to('odd', TEXT);
};

const filterStore = (builder: StreamsBuilder): void => {
  const table = builder.table('in', TEXT);
  table.filter(isEven, { store: 'even-rows' }).toStream().to('even', TEXT);
  table.filterNot(isEven).toStream().to('odd', TEXT);
};

const filterOfStore = (builder: StreamsBuilder): void => {
  builder
    .table('in', { ...TEXT, store: 'rows' })
    .filter(isEven)
    .toStream()
    .to('even', TEXT);
};

const filterThenReduce = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .filter((value) => value.startsWith('accept'))
    .groupBy((value, key) => ({ key, value }), { name: 'accepted', value: stringSerde })
    .reduce({ add: (a, b) => `${a}+${b}`, subtract: (a, b) => `${a}-${b}` }, { store: 'sums', value: stringSerde })
    .toStream()
    .to('out', TEXT);
};

const mapped =
  (stored: boolean): Build =>
  (builder) => {
    builder
      .table('in', TEXT)
      .mapValues((value) => String(Number(value)), stored ? { store: 'mapped', value: stringSerde } : {})
      .toStream()
      .to('out', TEXT);
  };

const source =
  (stored: boolean): Build =>
  (builder) => {
    builder
      .table('in', stored ? { ...TEXT, store: 'rows' } : TEXT)
      .toStream()
      .to('out', TEXT);
  };

const newKeys = (builder: StreamsBuilder): void => {
  const words: Readonly<Record<string, string>> = { 1: 'ONE', 2: 'TWO', 3: 'THREE' };
  builder
    .table('in', TEXT)
    .toStream((_value, key) => words[key] ?? null)
    .to('out', TEXT);
};

export function aggregateTable(
  table: KTable<string, string>,
  pairOf: (value: string, key: string) => KeyAndValue,
): void {
  table
    .groupBy(pairOf, { name: 'grouped', value: stringSerde })
    .aggregate(
      {
        empty: () => '0',
        add: (sum, value) => `${sum}+${value}`,
        subtract: (sum, value) => `${sum}-${value}`,
        serde: stringSerde,
      },
      { store: 'sums' },
    )
    .toStream()
    .to('out', TEXT);
}

const aggregated =
  (pairOf: (value: string, key: string) => KeyAndValue): Build =>
  (builder) => {
    aggregateTable(builder.table('in', TEXT), pairOf);
  };

/** The key `null` has no new key, the key `NULL` no pair. */
export const byValueOrNull = (value: string, key: string): KeyAndValue => {
  if (key === 'NULL') return null;
  return { key: key === 'null' ? null : value, value };
};

export function countTable(table: KTable<string, string>, pairOf: (value: string, key: string) => KeyAndValue): void {
  table
    .groupBy(pairOf, { name: 'grouped', value: stringSerde })
    .count({ store: 'counts' })
    .toStream()
    .mapValues(numberText)
    .to('out', TEXT);
}

const counted = (builder: StreamsBuilder): void => {
  countTable(builder.table('in', TEXT), (value) => ({ key: value, value }));
};

const countedByKey = (builder: StreamsBuilder): void => {
  countTable(builder.table('in', TEXT), (value, key) => ({ key, value }));
};

/** The second letter of a key is put into the row of the first, and taken out of it. */
const removed = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .groupBy((_value, key) => ({ key: key.charAt(0), value: key.slice(1) }), { name: 'grouped', value: stringSerde })
    .aggregate(
      {
        empty: () => '',
        add: (sum, value) => sum + value,
        subtract: (sum, value) => sum.replaceAll(value, ''),
        serde: stringSerde,
      },
      { store: 'letters' },
    )
    .toStream()
    .to('out', TEXT);
};

const reducedInts = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .groupBy((value, key) => ({ key, value: String(Math.trunc(Number(value))) }), {
      name: 'grouped',
      value: stringSerde,
    })
    .reduce(
      { add: (a, b) => String(Number(a) + Number(b)), subtract: (a, b) => String(Number(a) - Number(b)) },
      { store: 'sums', value: stringSerde },
    )
    .toStream()
    .to('out', TEXT);
};

const reducedSet = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .groupBy((value) => ({ key: 'A', value }), { name: 'grouped', value: stringSerde })
    .reduce({ add: (a, b) => a + b, subtract: (a, b) => a.replace(b, '') }, { store: 'set', value: stringSerde })
    .toStream()
    .to('out', TEXT);
};

const toTable =
  (rekeyed: boolean): Build =>
  (builder) => {
    const stream = builder.stream('in', TEXT_OR_NULL);
    const letters = stream.map((value, key) => ({ key: String((key ?? '').charCodeAt(0) - 65), value }));
    (rekeyed ? letters : stream)
      .toTable({ store: 'rows', ...TEXT })
      .toStream()
      .to('out', TEXT);
  };

const filteredCounts = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .groupByKey({ name: 'by-key', ...TEXT })
    .count({ store: 'counts' })
    .filter((count) => count >= 2)
    .toStream()
    .mapValues(numberText)
    .to('out', TEXT);
};

const chainedSum = (builder: StreamsBuilder): void => {
  builder
    .table('in', TEXT)
    .mapValues((value) => String(Number(value) * 10))
    .filter((value) => Number(value) >= 20)
    .groupBy((value) => ({ key: 'all', value }), { name: 'all', value: stringSerde })
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

export const TABLES: readonly Vector[] = ofTables([
  {
    name: 'filter and filterNot: a tombstone for each row that does not pass',
    source: kafka('KTableFilter › shouldPassThroughWithoutMaterialization'),
    build: filters,
    steps: [
      ['in A=1@10', 'even A=~@10', 'odd A=1@10'],
      ['in B=2@5', 'even B=2@5', 'odd B=~@5'],
      ['in C=3@8', 'even C=~@8', 'odd C=3@8'],
      ['in D=4@14', 'even D=4@14', 'odd D=~@14'],
      ['in A=~@18', 'even A=~@18', 'odd A=~@18'],
      ['in B=~@15', 'even B=~@15', 'odd B=~@15'],
    ],
  },
  {
    name: 'filter with a store: the same, and the store has what passed',
    source: kafka('KTableFilter › shouldPassThroughOnMaterialization'),
    build: filterStore,
    steps: [
      ['in A=1@10', 'even A=~@10', 'odd A=1@10'],
      ['in B=2@5', 'even B=2@5', 'odd B=~@5'],
      ['in C=3@8', 'even C=~@8', 'odd C=3@8'],
      ['in D=4@14', 'even D=4@14', 'odd D=~@14'],
      ['in A=~@18', 'even A=~@18', 'odd A=~@18'],
      ['in B=~@15', 'even B=~@15', 'odd B=~@15'],
    ],
    stores: { 'even-rows': 'D=4' },
  },
  {
    name: 'filter of a table with a store: no tombstone for what was never there',
    source: kafka('KTableFilter › shouldEnableSendOldValuesWhenMaterializedAlreadyAndForcedToMaterialize'),
    build: filterOfStore,
    steps: [
      ['in A=1@5'],
      ['in B=1@10'],
      ['in C=1@15'],
      ['in A=2@15', 'even A=2@15'],
      ['in B=2@8', 'even B=2@8'],
      ['in A=3@20', 'even A=~@20'],
      ['in A=~@10'],
      ['in B=~@20', 'even B=~@20'],
    ],
  },
  {
    name: 'filter before groupBy: rows that do not pass add nothing',
    source: kafka('KTableFilter › shouldSkipNullToRepartitionOnMaterialization'),
    build: filterThenReduce,
    steps: [
      ['in A=reject@5'],
      ['in B=reject@10'],
      ['in C=accept@20', 'out C=accept@20'],
      ['in C=reject@21', 'out C=accept-accept@21'],
      ['in C=accept2@22', 'out C=accept-accept+accept2@22'],
    ],
  },
  {
    name: 'mapValues',
    source: kafka('KTableMapValues › testKTable'),
    build: mapped(false),
    steps: [
      ['in A=1@5', 'out A=1@5'],
      ['in B=2@25', 'out B=2@25'],
      ['in C=3@20', 'out C=3@20'],
      ['in D=4@10', 'out D=4@10'],
    ],
  },
  {
    name: 'mapValues: older times and tombstones pass',
    source: kafka('KTableMapValues › testNotSendingOldValue'),
    build: mapped(false),
    steps: [
      ['in A=01@5', 'out A=1@5'],
      ['in B=01@10', 'out B=1@10'],
      ['in C=01@15', 'out C=1@15'],
      ['in A=02@10', 'out A=2@10'],
      ['in B=02@8', 'out B=2@8'],
      ['in A=03@20', 'out A=3@20'],
      ['in A=~@30', 'out A=~@30'],
      ['in D=~@31', 'out D=~@31'],
    ],
  },
  {
    name: 'mapValues with a store',
    source: kafka('KTableMapValues › testQueryableKTable'),
    build: mapped(true),
    steps: [
      ['in A=01@50', 'out A=1@50'],
      ['in B=01@10', 'out B=1@10'],
      ['in C=01@30', 'out C=1@30'],
      ['in A=02@25', 'out A=2@25'],
      ['in B=02@20', 'out B=2@20'],
      ['in A=03@35', 'out A=3@35'],
      ['in A=~@1', 'out A=~@1'],
    ],
    stores: { mapped: 'B=2 C=1' },
  },
  {
    name: 'each row of a table is handed on with its time',
    source: kafka('KTableSource › testKTable'),
    build: source(false),
    steps: [
      ['in A=1@10', 'out A=1@10'],
      ['in B=2@11', 'out B=2@11'],
      ['in C=3@12', 'out C=3@12'],
      ['in D=4@13', 'out D=4@13'],
      ['in ~=5@14'],
      ['in A=~@14', 'out A=~@14'],
      ['in B=~@15', 'out B=~@15'],
    ],
  },
  {
    name: 'equal and older rows are handed on, too',
    source: kafka('KTableSource › testKTableSourceEmitOnChange'),
    build: source(true),
    steps: [
      ['in A=1@10', 'out A=1@10'],
      ['in B=2@11', 'out B=2@11'],
      ['in A=1@12', 'out A=1@12'],
      ['in B=3@13', 'out B=3@13'],
      ['in A=1@9', 'out A=1@9'],
    ],
  },
  {
    name: 'a null key is dropped',
    source: kafka('KTableSource › kTableShouldLogAndMeterOnSkippedRecords'),
    build: source(true),
    steps: [['in ~=value@0'], ['in A=1@1', 'out A=1@1']],
  },
  {
    name: 'older times are handed on with the older time',
    source: kafka('KTableSource › testNotSendingOldValue'),
    build: source(true),
    steps: [
      ['in A=01@10', 'out A=01@10'],
      ['in B=01@20', 'out B=01@20'],
      ['in C=01@15', 'out C=01@15'],
      ['in A=02@8', 'out A=02@8'],
      ['in B=02@22', 'out B=02@22'],
      ['in A=03@12', 'out A=03@12'],
      ['in A=~@15', 'out A=~@15'],
      ['in B=~@20', 'out B=~@20'],
    ],
  },
  {
    name: 'toStream with a new key',
    source: kafka('KTableMapKeys › testMapKeysConvertingToStream'),
    build: newKeys,
    steps: [
      ['in 1=V_ONE@5', 'out ONE=V_ONE@5'],
      ['in 2=V_TWO@10', 'out TWO=V_TWO@10'],
      ['in 3=V_THREE@15', 'out THREE=V_THREE@15'],
    ],
  },
  {
    name: 'groupBy: the old value is subtracted, then the new one added',
    source: kafka('KTableAggregate › testAggBasic'),
    build: aggregated((value, key) => ({ key, value })),
    steps: [
      ['in A=1@10', 'out A=0+1@10'],
      ['in B=2@15', 'out B=0+2@15'],
      ['in A=3@20', 'out A=0+1-1+3@20'],
      ['in B=4@18', 'out B=0+2-2+4@18'],
      ['in C=5@5', 'out C=0+5@5'],
      ['in D=6@25', 'out D=0+6@25'],
      ['in B=7@15', 'out B=0+2-2+4-4+7@18'],
      ['in C=8@10', 'out C=0+5-5+8@10'],
    ],
  },
  {
    name: 'groupBy: a new key, null keys and null pairs',
    source: kafka('KTableAggregate › testAggRepartition'),
    build: aggregated(byValueOrNull),
    steps: [
      ['in A=1@10', 'out 1=0+1@10'],
      ['in A=~@15', 'out 1=0+1-1@15'],
      ['in A=1@12', 'out 1=0+1-1+1@15'],
      ['in B=2@20', 'out 2=0+2@20'],
      ['in null=3@25'],
      ['in B=4@23', 'out 2=0+2-2@23 4=0+4@23'],
      ['in NULL=5@24'],
      ['in B=7@22', 'out 4=0+4-4@23 7=0+7@22'],
    ],
  },
  {
    name: 'count of a grouped table: 0 is a row',
    source: kafka('KTableAggregate › testCount'),
    build: counted,
    steps: [
      ['in A=green@10', 'out green=1@10'],
      ['in B=green@9', 'out green=2@10'],
      ['in A=blue@12', 'out green=1@12 blue=1@12'],
      ['in C=yellow@15', 'out yellow=1@15'],
      ['in D=green@11', 'out green=2@12'],
      ['in A=~@16', 'out blue=0@16'],
    ],
  },
  {
    name: 'the old value goes before the new one comes',
    source: kafka('KTableAggregate › testRemoveOldBeforeAddNew'),
    build: removed,
    steps: [
      ['in 11=A@10', 'out 1=1@10'],
      ['in 12=B@8', 'out 1=12@10'],
      ['in 11=~@12', 'out 1=2@12'],
      ['in 12=C@6', 'out 1=2@12'],
    ],
  },
  {
    name: 'the same key is one update, not two',
    source: kafka('KTableAggregate › testShouldNotSendTransientStateIfNotUpgrading'),
    build: countedByKey,
    steps: [
      ['in 1=a@8', 'out 1=1@8'],
      ['in 1=a@9', 'out 1=1@9'],
    ],
  },
  {
    name: 'reduce of a grouped table',
    source: kafka('KGroupedTableImpl › shouldReduce'),
    build: reducedInts,
    steps: [
      ['in A=1.1@10', 'out A=1@10'],
      ['in B=2.2@11', 'out B=2@11'],
      ['in A=2.6@30', 'out A=2@30'],
      ['in B=1.3@30', 'out B=1@30'],
      ['in A=5.7@50', 'out A=5@50'],
      ['in B=6.2@20', 'out B=6@30'],
    ],
    stores: { sums: 'A=5 B=6' },
  },
  {
    name: 'aggregate of a grouped table by value',
    source: kafka('KGroupedTableImpl › shouldAggregateAndMaterializeResults'),
    build: aggregated((value) => ({ key: value, value })),
    steps: [
      ['in A=1@10', 'out 1=0+1@10'],
      ['in B=1@50', 'out 1=0+1+1@50'],
      ['in C=1@30', 'out 1=0+1+1+1@50'],
      ['in D=2@40', 'out 2=0+2@40'],
      ['in E=2@60', 'out 2=0+2+2@60'],
    ],
    stores: { sums: '1=0+1+1+1 2=0+2+2' },
  },
  {
    name: 'reduce: a row that is empty after subtract stays',
    source: kafka('KTableReduce › shouldAddAndSubtract'),
    build: reducedSet,
    steps: [
      ['in 1=a@10', 'out A=a@10'],
      ['in 1=b@15', 'out A=b@15'],
      ['in 1=~@12', 'out A=@15'],
    ],
  },
  {
    name: 'toTable behind a new key',
    source: kafka('KStreamImpl › shouldSupportKeyChangeKTableFromKStream'),
    build: toTable(true),
    steps: [
      ['in A=01@5', 'out 0=01@5'],
      ['in B=02@100', 'out 1=02@100'],
      ['in C=03@0', 'out 2=03@0'],
      ['in D=04@0', 'out 3=04@0'],
      ['in A=05@10', 'out 0=05@10'],
      ['in A=06@8', 'out 0=06@8'],
    ],
  },
  {
    name: 'toTable keeps the newest row',
    source: kafka('KStreamImpl › shouldMaterializeKTableFromKStream'),
    build: toTable(false),
    steps: [
      ['in A=01@0', 'out A=01@0'],
      ['in B=02@1', 'out B=02@1'],
      ['in A=03@2', 'out A=03@2'],
    ],
    stores: { rows: 'A=03 B=02' },
  },
  {
    name: 'toTable: null keys are dropped, nulls delete',
    source: ran,
    build: toTable(false),
    steps: [
      ['in A=01@5', 'out A=01@5'],
      ['in B=01@10', 'out B=01@10'],
      ['in A=~@6', 'out A=~@6'],
      ['in C=~@1', 'out C=~@1'],
      ['in ~=x@7'],
    ],
  },
  {
    name: 'a table that is updated and deleted',
    source: ksql('table.json › should forward nulls in changelog when table not materialized'),
    build: source(false),
    steps: [
      ['in 1=1@0', 'out 1=1@0'],
      ['in 1=~@0', 'out 1=~@0'],
      ['in 1=2@0', 'out 1=2@0'],
    ],
  },
  {
    name: 'a null key of a table does no harm',
    source: ksql('table.json › should not blow up on null key'),
    build: source(false),
    steps: [['in 1=1@0', 'out 1=1@0'], ['in ~=2@0'], ['in 1=3@0', 'out 1=3@0']],
  },
  {
    name: 'a filter behind a count: nothing for rows that never passed',
    source: ran,
    build: filteredCounts,
    steps: [['in a=x@1'], ['in b=x@2'], ['in a=x@3', 'out a=2@3'], ['in a=x@4', 'out a=3@4']],
  },
  {
    name: 'mapValues, filter and groupBy in a chain see old and new of the table in front',
    source: ran,
    build: chainedSum,
    steps: [
      ['in a=1@1'],
      ['in b=2@2', 'out all=20@2'],
      ['in a=3@3', 'out all=50@3'],
      ['in b=1@4', 'out all=30@4'],
      ['in a=~@5', 'out all=0@5'],
      ['in c=5@1', 'out all=50@5'],
    ],
  },
]);
