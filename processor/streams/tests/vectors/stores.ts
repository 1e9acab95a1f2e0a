import {
  keyValueStore,
  sessionStore,
  stringSerde,
  versionedStore,
  windowStore,
  type KeyValueStore,
  type SessionStore,
  type StoreSpec,
  type VersionedStore,
  type Windowed,
  type WindowStore,
} from '../../index.ts';
import { TEXT, kafka, windowText, type Build, type Text, type Vector } from './vector.ts';

/*
 * A record is one call of the store: its key names the call, its value has the arguments, with commas between. Calls
 * that answer something hand it on; nothing is `none`, rows are `key:value` with commas between.
 */

type Calls<Store> = Readonly<Record<string, (store: Store, ...args: string[]) => string | undefined | null | Rows>>;
type Rows = Iterable<[string | Windowed<string>, string]>;

const orNull = (text = ''): Text => (text === 'null' ? null : text);
const orOpen = (text = ''): string | undefined => (text === '' ? undefined : text);

/** A call that answers nothing. */
const silent = (call: void): null => call ?? null;

function answerOf(answer: string | undefined | Rows): string {
  if (answer === undefined) return 'none';
  if (typeof answer === 'string') return answer;
  const rows = [...answer].map(([key, value]) => `${typeof key === 'string' ? key : windowText(value, key)}:${value}`);
  return rows.length === 0 ? 'none' : rows.join(',');
}

const called =
  <Store>(spec: StoreSpec<string, string>, calls: Calls<Store>): Build =>
  (builder) => {
    builder
      .stream('in', TEXT)
      .process<Text, string>(
        ({ forward, store }) => {
          const rows = store<Store>(spec.name);
          return (value, key) => {
            const call = calls[String(key)];
            if (call === undefined) throw new Error(`no call: ${String(key)}`);
            const answer = call(rows, ...value.split(','));
            if (answer !== null) forward(key, answerOf(answer));
          };
        },
        { stores: [spec] },
      )
      .to('out', TEXT);
  };

const keyValue = called<KeyValueStore<string, string>>(keyValueStore('store', { value: stringSerde }), {
  put: (store, key = '', value) => silent(store.put(key, orNull(value))),
  putIfAbsent: (store, key = '', value = '') => store.putIfAbsent(key, value),
  get: (store, key = '') => store.get(key),
  range: (store, from, to) => store.range(orOpen(from), orOpen(to)),
  reverseRange: (store, from, to) => store.reverseRange(orOpen(from), orOpen(to)),
  all: (store) => store.all(),
  reverseAll: (store) => store.reverseAll(),
  prefix: (store, prefix = '') => store.prefix(prefix),
  size: (store) => String(store.approximateSize()),
});

const versioned = called<VersionedStore<string, string>>(
  versionedStore('store', { value: stringSerde, historyMs: 300_000 }),
  {
    put: (store, key = '', value, time) => silent(store.put(key, orNull(value), Number(time))),
    get: (store, key = '', asOf) => store.get(key, asOf === undefined ? undefined : Number(asOf)),
    delete: (store, key = '', time) => store.delete(key, Number(time)),
  },
);

const sessions = called<SessionStore<string, string>>(
  sessionStore('store', { value: stringSerde, retentionMs: 10_000 }),
  {
    put: (store, key = '', start, end, value) =>
      silent(store.put({ key, startMs: Number(start), endMs: Number(end) }, orNull(value))),
    remove: (store, key = '', start, end) => {
      store.remove({ key, startMs: Number(start), endMs: Number(end) });
      return null;
    },
    get: (store, key = '', start, end) => store.get(key, Number(start), Number(end)),
    find: (store, key = '', from, to) => store.find(key, Number(from), Number(to)),
  },
);

const windows = called<WindowStore<string, string>>(
  windowStore('store', { value: stringSerde, sizeMs: 3, retentionMs: 120_000 }),
  {
    put: (store, key = '', start, value) => silent(store.put(key, Number(start), orNull(value))),
    get: (store, key = '', start) => store.get(key, Number(start)),
    fetch: (store, key = '', from, to) => startsOf(store.fetch(key, Number(from), Number(to))),
    fetchAll: (store, from, to) => store.fetchAll(Number(from), Number(to)),
  },
);

/** As Java's iterator over one key: by the start of its windows. */
function startsOf(rows: Iterable<[Windowed<string>, string]>): Rows {
  return [...rows].map(([{ startMs }, value]) => [String(startMs), value]);
}

export const STORES: readonly Vector[] = [
  {
    name: 'key-value: put, get, range, all',
    source: kafka('AbstractKeyValueStore › testPutGetRange'),
    build: keyValue,
    steps: [
      ['in put=0,zero@1'],
      ['in put=1,one@2'],
      ['in put=2,two@3'],
      ['in put=4,four@4'],
      ['in put=5,five@5'],
      ['in size=@6', 'out size=5@6'],
      ['in get=0@7', 'out get=zero@7'],
      ['in get=1@8', 'out get=one@8'],
      ['in get=2@9', 'out get=two@9'],
      ['in get=3@10', 'out get=none@10'],
      ['in get=4@11', 'out get=four@11'],
      ['in get=5@12', 'out get=five@12'],
      ['in put=5,null@13'],
      ['in get=5@14', 'out get=none@14'],
      ['in range=2,4@15', 'out range=2:two,4:four@15'],
      ['in range=2,6@16', 'out range=2:two,4:four@16'],
      ['in all=@17', 'out all=0:zero,1:one,2:two,4:four@17'],
      ['in size=@18', 'out size=4@18'],
    ],
  },
  {
    name: 'key-value: backwards',
    source: kafka('AbstractKeyValueStore › testPutGetReverseRange'),
    build: keyValue,
    steps: [
      ['in put=0,zero@1'],
      ['in put=1,one@2'],
      ['in put=2,two@3'],
      ['in put=4,four@4'],
      ['in put=5,five@5'],
      ['in put=5,null@6'],
      ['in reverseRange=2,4@7', 'out reverseRange=4:four,2:two@7'],
      ['in reverseRange=2,6@8', 'out reverseRange=4:four,2:two@8'],
      ['in reverseAll=@9', 'out reverseAll=4:four,2:two,1:one,0:zero@9'],
    ],
  },
  {
    name: 'key-value: putIfAbsent gives what was there',
    source: kafka('AbstractKeyValueStore › testPutIfAbsent'),
    build: keyValue,
    steps: [
      ['in putIfAbsent=0,zero@1', 'out putIfAbsent=none@1'],
      ['in putIfAbsent=1,one@2', 'out putIfAbsent=none@2'],
      ['in putIfAbsent=2,two@3', 'out putIfAbsent=none@3'],
      ['in putIfAbsent=4,four@4', 'out putIfAbsent=none@4'],
      ['in putIfAbsent=4,unexpected@5', 'out putIfAbsent=four@5'],
      ['in get=0@6', 'out get=zero@6'],
      ['in get=1@7', 'out get=one@7'],
      ['in get=2@8', 'out get=two@8'],
      ['in get=3@9', 'out get=none@9'],
      ['in get=4@10', 'out get=four@10'],
    ],
  },
  {
    name: 'key-value: a null deletes',
    source: kafka('AbstractKeyValueStore › shouldDeleteIfSerializedValueIsNull'),
    build: keyValue,
    steps: [
      ['in put=0,zero@1'],
      ['in put=1,one@2'],
      ['in put=2,two@3'],
      ['in put=0,null@4'],
      ['in put=1,null@5'],
      ['in all=@6', 'out all=2:two@6'],
    ],
  },
  {
    name: 'key-value: ranges open at one end or both',
    source: kafka('AbstractKeyValueStore › shouldReturnValueOnRangeNullToKey'),
    build: keyValue,
    steps: [
      ['in put=0,zero@1'],
      ['in put=1,one@2'],
      ['in put=2,two@3'],
      ['in range=,1@4', 'out range=0:zero,1:one@4'],
      ['in range=1,@5', 'out range=1:one,2:two@5'],
      ['in range=,@6', 'out range=0:zero,1:one,2:two@6'],
      ['in reverseRange=,1@7', 'out reverseRange=1:one,0:zero@7'],
      ['in reverseRange=1,@8', 'out reverseRange=2:two,1:one@8'],
    ],
  },
  {
    name: 'key-value: by prefix',
    source: kafka('InMemoryKeyValueStore › shouldReturnKeysWithGivenPrefix'),
    build: keyValue,
    steps: [
      ['in put=k1,a@1'],
      ['in put=prefix_3,b@2'],
      ['in put=k2,c@3'],
      ['in put=prefix_2,d@4'],
      ['in put=k3,e@5'],
      ['in put=prefix_1,f@6'],
      ['in prefix=prefix@7', 'out prefix=prefix_1:f,prefix_2:d,prefix_3:b@7'],
      ['in prefix=k2@8', 'out prefix=k2:c@8'],
      ['in prefix=x@9', 'out prefix=none@9'],
    ],
  },
  {
    name: 'versioned: the newest',
    source: kafka('RocksDBVersionedStore › shouldPutLatest'),
    build: versioned,
    steps: [
      ['in put=k,v,10@1'],
      ['in put=k,v2,11@2'],
      ['in get=k@3', 'out get=v2@3'],
      ['in get=k,9@4', 'out get=none@4'],
      ['in get=k,10@5', 'out get=v@5'],
      ['in get=k,11@6', 'out get=v2@6'],
      ['in get=k,12@7', 'out get=v2@7'],
    ],
  },
  {
    name: 'versioned: nulls as the newest',
    source: kafka('RocksDBVersionedStore › shouldPutNullAsLatest'),
    build: versioned,
    steps: [
      ['in put=k,null,10@1'],
      ['in put=k,null,11@2'],
      ['in get=k@3', 'out get=none@3'],
      ['in get=k,10@4', 'out get=none@4'],
      ['in get=k,11@5', 'out get=none@5'],
      ['in get=k,12@6', 'out get=none@6'],
    ],
  },
  {
    name: 'versioned: older ones behind the newest',
    source: kafka('RocksDBVersionedStore › shouldPutOlderWithNonNullLatest'),
    build: versioned,
    steps: [
      ['in put=k,v,10@1'],
      ['in put=k,v2,8@2'],
      ['in put=k,v1,9@3'],
      ['in put=k,v4,6@4'],
      ['in get=k@5', 'out get=v@5'],
      ['in get=k,10@6', 'out get=v@6'],
      ['in get=k,9@7', 'out get=v1@7'],
      ['in get=k,8@8', 'out get=v2@8'],
      ['in get=k,7@9', 'out get=v4@9'],
      ['in get=k,6@10', 'out get=v4@10'],
      ['in get=k,5@11', 'out get=none@11'],
    ],
  },
  {
    name: 'versioned: older ones behind a tombstone',
    source: kafka('RocksDBVersionedStore › shouldPutOlderWithNullLatest'),
    build: versioned,
    steps: [
      ['in put=k,null,10@1'],
      ['in put=k,v2,8@2'],
      ['in put=k,v1,9@3'],
      ['in put=k,v4,6@4'],
      ['in get=k@5', 'out get=none@5'],
      ['in get=k,10@6', 'out get=none@6'],
      ['in get=k,9@7', 'out get=v1@7'],
      ['in get=k,8@8', 'out get=v2@8'],
      ['in get=k,7@9', 'out get=v4@9'],
    ],
  },
  {
    name: 'versioned: older tombstones',
    source: kafka('RocksDBVersionedStore › shouldPutOlderNullWithNonNullLatest'),
    build: versioned,
    steps: [
      ['in put=k,v,10@1'],
      ['in put=k,null,8@2'],
      ['in put=k,null,9@3'],
      ['in put=k,null,6@4'],
      ['in put=k,v5,5@5'],
      ['in put=k,v3,7@6'],
      ['in put=k,null,4@7'],
      ['in get=k@8', 'out get=v@8'],
      ['in get=k,10@9', 'out get=v@9'],
      ['in get=k,9@10', 'out get=none@10'],
      ['in get=k,8@11', 'out get=none@11'],
      ['in get=k,7@12', 'out get=v3@12'],
      ['in get=k,6@13', 'out get=none@13'],
      ['in get=k,5@14', 'out get=v5@14'],
      ['in get=k,4@15', 'out get=none@15'],
    ],
  },
  {
    name: 'versioned: the same time is replaced',
    source: kafka('RocksDBVersionedStore › shouldPutRepeatTimestampAsLatest'),
    build: versioned,
    steps: [
      ['in put=k,old,10@1'],
      ['in put=k,b,10@2'],
      ['in get=k@3', 'out get=b@3'],
      ['in get=k,10@4', 'out get=b@4'],
      ['in get=k,9@5', 'out get=none@5'],
      ['in put=k,null,10@6'],
      ['in get=k@7', 'out get=none@7'],
      ['in get=k,10@8', 'out get=none@8'],
      ['in put=k,null,10@9'],
      ['in get=k@10', 'out get=none@10'],
      ['in put=k,b,10@11'],
      ['in get=k@12', 'out get=b@12'],
      ['in get=k,10@13', 'out get=b@13'],
      ['in get=k,9@14', 'out get=none@14'],
    ],
  },
  {
    name: 'versioned: times replaced in any order',
    source: kafka('RocksDBVersionedStore › shouldPutRepeatTimestamps'),
    build: versioned,
    steps: [
      ['in put=k,old,100020@1'],
      ['in put=k,null,99990@2'],
      ['in put=k,old,99990@3'],
      ['in put=k,null,99990@4'],
      ['in put=k,old,99999@5'],
      ['in put=k,old,100001@6'],
      ['in put=k,null,99999@7'],
      ['in put=k,null,100001@8'],
      ['in put=k,null,100010@9'],
      ['in put=k,null,100005@10'],
      ['in put=k,vp5,100005@11'],
      ['in put=k,old,99995@12'],
      ['in put=k,vn5,99995@13'],
      ['in put=k,null,100020@14'],
      ['in put=k,null,100020@15'],
      ['in put=k,vn6,99994@16'],
      ['in get=k@17', 'out get=none@17'],
      ['in get=k,100030@18', 'out get=none@18'],
      ['in get=k,100015@19', 'out get=none@19'],
      ['in get=k,100006@20', 'out get=vp5@20'],
      ['in get=k,100002@21', 'out get=none@21'],
      ['in get=k,100000@22', 'out get=none@22'],
      ['in get=k,99999@23', 'out get=none@23'],
      ['in get=k,99995@24', 'out get=vn5@24'],
      ['in get=k,99994@25', 'out get=vn6@25'],
      ['in get=k,99992@26', 'out get=none@26'],
    ],
  },
  {
    name: 'versioned: from the newest to the oldest',
    source: kafka('RocksDBVersionedStore › shouldMoveRecordToOlderSegmentDuringPut'),
    build: versioned,
    steps: [
      ['in put=k,vp20,100020@1'],
      ['in put=k,vp10,100010@2'],
      ['in put=k,vn10,99990@3'],
      ['in put=k,vn2,99998@4'],
      ['in put=k,vn1,99999@5'],
      ['in put=k,vp1,100001@6'],
      ['in get=k@7', 'out get=vp20@7'],
      ['in get=k,100030@8', 'out get=vp20@8'],
      ['in get=k,100015@9', 'out get=vp10@9'],
      ['in get=k,100005@10', 'out get=vp1@10'],
      ['in get=k,100000@11', 'out get=vn1@11'],
      ['in get=k,99999@12', 'out get=vn1@12'],
      ['in get=k,99998@13', 'out get=vn2@13'],
      ['in get=k,99995@14', 'out get=vn10@14'],
    ],
  },
  {
    name: 'versioned: delete gives what was there at that time',
    source: kafka('RocksDBVersionedStore › shouldDelete'),
    build: versioned,
    steps: [
      ['in put=k,vp20,100020@1'],
      ['in put=k,vp10,100010@2'],
      ['in put=k,vn10,99990@3'],
      ['in put=k,vn2,99998@4'],
      ['in delete=k,99995@5', 'out delete=vn10@5'],
      ['in delete=k,100010@6', 'out delete=vp10@6'],
      ['in delete=k,100010@7', 'out delete=none@7'],
      ['in delete=k,100025@8', 'out delete=vp20@8'],
      ['in get=k@9', 'out get=none@9'],
    ],
  },
  {
    name: 'versioned: what is older than the history is not put',
    source: kafka('RocksDBVersionedStore › shouldNotPutExpired'),
    build: versioned,
    steps: [
      ['in put=k,v,300010@1'],
      ['in put=k1,v1,10@2'],
      ['in get=k1@3', 'out get=v1@3'],
      ['in put=k2,v2,9@4'],
      ['in get=k2@5', 'out get=none@5'],
    ],
  },
  {
    name: 'versioned: what is older than the history is not deleted',
    source: kafka('RocksDBVersionedStore › shouldNotDeleteExpired'),
    build: versioned,
    steps: [
      ['in put=k1,v1,1@1'],
      ['in put=k2,v2,1@2'],
      ['in put=kother,vother,300010@3'],
      ['in delete=k1,10@4', 'out delete=v1@4'],
      ['in get=k1@5', 'out get=none@5'],
      ['in delete=k2,9@6', 'out delete=none@6'],
      ['in get=k2@7', 'out get=v2@7'],
    ],
  },
  {
    name: 'versioned: history is readable to its edge',
    source: kafka('RocksDBVersionedStore › shouldNotGetExpired'),
    build: versioned,
    steps: [
      ['in put=k,v_old,0@1'],
      ['in put=k,v,99990@2'],
      ['in get=k,99989@3', 'out get=v_old@3'],
      ['in put=ko,vo,399989@4'],
      ['in get=k,99989@5', 'out get=v_old@5'],
      ['in put=ko,vo2,399990@6'],
      ['in get=k,99989@7', 'out get=none@7'],
    ],
  },
  {
    name: 'versioned: the newest is readable for ever',
    source: kafka('RocksDBVersionedStore › shouldGetExpiredIfLatestValue'),
    build: versioned,
    steps: [
      ['in put=k,v,1@1'],
      ['in put=ko,vo_old,1@2'],
      ['in put=ko,vo_new,300012@3'],
      ['in get=k,10@4', 'out get=v@4'],
      ['in get=ko,10@5', 'out get=none@5'],
    ],
  },
  {
    name: 'session: put and find',
    source: kafka('AbstractSessionBytesStore › shouldPutAndFindSessionsInRange'),
    build: sessions,
    steps: [
      ['in put=a,10,10,1@1'],
      ['in put=a,500,1000,2@2'],
      ['in put=a,1500,2000,1@3'],
      ['in put=a,2500,3000,2@4'],
      ['in find=a,0,1000@5', 'out find=a[10,10]:1,a[500,1000]:2@5'],
      ['in find=a,400,600@6', 'out find=a[500,1000]:2@6'],
    ],
  },
  {
    name: 'session: the exact one',
    source: kafka('AbstractSessionBytesStore › shouldFetchExactSession'),
    build: sessions,
    steps: [
      ['in put=a,0,4,1@1'],
      ['in put=aa,0,3,2@2'],
      ['in put=aa,0,4,3@3'],
      ['in put=aa,1,4,4@4'],
      ['in put=aaa,0,4,5@5'],
      ['in get=aa,0,4@6', 'out get=3@6'],
      ['in get=any,0,5@7', 'out get=none@7'],
    ],
  },
  {
    name: 'session: edges of a search',
    source: kafka('AbstractSessionBytesStore › shouldFindValuesWithinMergingSessionWindowRange'),
    build: sessions,
    steps: [
      ['in put=a,0,0,1@1'],
      ['in put=a,1000,1000,2@2'],
      ['in find=a,-1,1000@3', 'out find=a[0,0]:1,a[1000,1000]:2@3'],
      ['in find=a,1,999@4', 'out find=none@4'],
    ],
  },
  {
    name: 'session: remove',
    source: kafka('AbstractSessionBytesStore › shouldRemove'),
    build: sessions,
    steps: [
      ['in put=a,0,1000,1@1'],
      ['in put=a,1500,2500,2@2'],
      ['in remove=a,0,1000@3'],
      ['in find=a,0,1000@4', 'out find=none@4'],
      ['in find=a,1500,2500@5', 'out find=a[1500,2500]:2@5'],
    ],
  },
  {
    name: 'session: a null removes',
    source: kafka('AbstractSessionBytesStore › shouldRemoveOnNullAggValue'),
    build: sessions,
    steps: [
      ['in put=a,0,1000,1@1'],
      ['in put=a,1500,2500,2@2'],
      ['in put=a,0,1000,null@3'],
      ['in find=a,0,1000@4', 'out find=none@4'],
      ['in find=a,1500,2500@5', 'out find=a[1500,2500]:2@5'],
    ],
  },
  {
    name: 'session: those to merge',
    source: kafka('AbstractSessionBytesStore › shouldFindSessionsToMerge'),
    build: sessions,
    steps: [
      ['in put=a,0,100,1@1'],
      ['in put=a,101,200,2@2'],
      ['in put=a,201,300,3@3'],
      ['in put=a,301,400,4@4'],
      ['in put=a,401,500,5@5'],
      ['in find=a,150,300@6', 'out find=a[101,200]:2,a[201,300]:3@6'],
    ],
  },
  {
    name: 'window: get and fetch',
    source: kafka('AbstractWindowBytesStore › testRangeAndSinglePointFetch'),
    build: windows,
    steps: [
      ['in put=0,59996,zero@1'],
      ['in put=1,59997,one@2'],
      ['in put=2,59998,two@3'],
      ['in put=3,59998,three@4'],
      ['in put=4,60000,four@5'],
      ['in put=5,60001,five@6'],
      ['in put=2,59999,two+1@7'],
      ['in put=2,60000,two+2@8'],
      ['in put=2,60001,two+3@9'],
      ['in put=2,60002,two+4@10'],
      ['in put=2,60003,two+5@11'],
      ['in put=2,60004,two+6@12'],
      ['in get=2,59999@13', 'out get=two+1@13'],
      ['in get=2,60004@14', 'out get=two+6@14'],
      ['in get=2,60005@15', 'out get=none@15'],
      ['in fetch=2,59991,59997@16', 'out fetch=none@16'],
      ['in fetch=2,59995,60001@17', 'out fetch=59998:two,59999:two+1,60000:two+2,60001:two+3@17'],
      ['in fetch=2,60001,60007@18', 'out fetch=60001:two+3,60002:two+4,60003:two+5,60004:two+6@18'],
    ],
  },
  {
    name: 'window: all of a span of time, in order of time',
    source: kafka('AbstractWindowBytesStore › shouldFetchAllInTimeRange'),
    build: windows,
    steps: [
      ['in put=0,59996,0@1'],
      ['in put=1,59997,1@2'],
      ['in put=2,59998,2@3'],
      ['in put=3,59998,3@4'],
      ['in put=4,60000,4@5'],
      ['in put=5,60001,5@6'],
      [
        'in fetchAll=59997,60000@7',
        'out fetchAll=1[59997,60000]:1,2[59998,60001]:2,3[59998,60001]:3,4[60000,60003]:4@7',
      ],
      [
        'in fetchAll=59996,59999@8',
        'out fetchAll=0[59996,59999]:0,1[59997,60000]:1,2[59998,60001]:2,3[59998,60001]:3@8',
      ],
      [
        'in fetchAll=59997,60001@9',
        'out fetchAll=1[59997,60000]:1,2[59998,60001]:2,3[59998,60001]:3,4[60000,60003]:4,5[60001,60004]:5@9',
      ],
    ],
  },
  {
    name: 'window: a null deletes',
    source: kafka('AbstractWindowBytesStore › shouldGetAllNonDeletedRecords'),
    build: windows,
    steps: [
      ['in put=0,59996,0@1'],
      ['in put=1,59997,1@2'],
      ['in put=2,59998,2@3'],
      ['in put=3,59999,3@4'],
      ['in put=4,60000,4@5'],
      ['in put=1,59997,null@6'],
      ['in put=3,59999,null@7'],
      ['in fetchAll=0,70000@8', 'out fetchAll=0[59996,59999]:0,2[59998,60001]:2,4[60000,60003]:4@8'],
    ],
  },
];
