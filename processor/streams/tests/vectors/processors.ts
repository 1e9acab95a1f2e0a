import { keyValueStore, stringSerde, type StreamsBuilder } from '../../index.ts';
import { TEXT, kafka, ran, type Build, type Text, type Vector } from './vector.ts';

/** Hands on the time of each punctuation, and with `pass` the records, too. */
const punctuated =
  ({ streamMs, wallMs, pass = false }: { streamMs?: number; wallMs?: number; pass?: boolean }): Build =>
  (builder) => {
    builder
      .stream('in', TEXT)
      .process<Text, string>(({ forward, schedule }) => {
        const tell = (clock: string) => (timestampMs: number) => forward(clock, String(timestampMs));
        if (streamMs !== undefined) schedule({ everyMs: streamMs, clock: 'stream-time' }, tell('stream'));
        if (wallMs !== undefined) schedule({ everyMs: wallMs, clock: 'wall-clock' }, tell('wall'));
        return (value, key) => {
          if (pass) forward(key, value);
        };
      })
      .to('out', TEXT);
  };

const punctuatedOnce = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .process<Text, string>(({ forward, schedule }) => {
      const once = schedule({ everyMs: 100, clock: 'stream-time' }, (timestampMs) => {
        forward('stream', String(timestampMs));
        once.cancel();
      });
      return () => undefined;
    })
    .to('out', TEXT);
};

const cancelledByRecord = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .process<Text, string>(({ forward, schedule }) => {
      const scheduled = schedule({ everyMs: 10, clock: 'stream-time' }, (timestampMs) => {
        forward('stream', String(timestampMs));
      });
      return (value) => {
        if (value === 'cancel') scheduled.cancel();
      };
    })
    .to('out', TEXT);
};

const forwarded = (builder: StreamsBuilder): void => {
  builder
    .stream('in', TEXT)
    .process<Text, string>(({ forward }) => (value, key, { timestampMs }) => {
      forward(key, value);
      forward(key, value, { timestampMs: timestampMs + 1_000 });
    })
    .to('out', TEXT);
};

const remembering = (builder: StreamsBuilder): void => {
  const seen = keyValueStore('seen', { value: stringSerde });
  builder
    .stream('in', TEXT)
    .processValues<string>(
      ({ forward, store }) => {
        const values = store(seen);
        return (value, key) => {
          const all = (values.get(String(key)) ?? '') + value;
          values.put(String(key), all);
          forward(all);
        };
      },
      { stores: [seen] },
    )
    .to('out', TEXT);
};

export const PROCESSORS: readonly Vector[] = [
  {
    name: 'stream time: one call for a gap, aligned to 0',
    source: kafka('StreamTask › shouldPunctuateOnceStreamTimeAfterGap'),
    build: punctuated({ streamMs: 10 }),
    steps: [
      ['in a=1@20', 'out stream=20@20'],
      ['in a=2@25'],
      ['in a=3@142', 'out stream=142@142'],
      ['in a=4@145'],
      ['in a=5@155', 'out stream=155@155'],
      ['in a=6@159'],
      ['in a=7@160', 'out stream=160@160'],
      ['in a=8@161'],
    ],
  },
  {
    name: 'stream time: the first record fires, after it has been processed',
    source: ran,
    build: punctuated({ streamMs: 10, pass: true }),
    steps: [
      ['in a=1@42', 'out a=1@42 stream=42@42'],
      ['in a=2@42', 'out a=2@42'],
      ['in a=3@51', 'out a=3@51 stream=51@51'],
      ['in a=4@52', 'out a=4@52'],
      ['in a=5@61', 'out a=5@61 stream=61@61'],
      ['in a=6@3', 'out a=6@3'],
      ['in a=7@70', 'out a=7@70 stream=70@70'],
      ['in a=8@69', 'out a=8@69'],
    ],
  },
  {
    name: 'stream time: every 100',
    source: kafka('PunctuationQueue › testPunctuationInterval'),
    build: punctuated({ streamMs: 100 }),
    steps: [
      ['in a=1@0', 'out stream=0@0'],
      ['in a=2@99'],
      ['in a=3@100', 'out stream=100@100'],
      ['in a=4@199'],
      ['in a=5@200', 'out stream=200@200'],
      ['in a=6@1001', 'out stream=1001@1001'],
      ['in a=7@1002'],
      ['in a=8@1100', 'out stream=1100@1100'],
    ],
  },
  {
    name: 'stream time: cancelled by the punctuator itself',
    source: kafka('PunctuationQueue › testPunctuationIntervalCancelFromPunctuator'),
    build: punctuatedOnce,
    steps: [['in a=1@0', 'out stream=0@0'], ['in a=2@100'], ['in a=3@200']],
  },
  {
    name: 'stream time: cancelled while a record is processed',
    source: kafka('StreamTask › shouldRespectPunctuateCancellationStreamTime'),
    build: cancelledByRecord,
    steps: [['in a=1@20', 'out stream=20@20'], ['in a=2@25'], ['in a=cancel@30'], ['in a=3@40']],
  },
  {
    name: 'wall clock: when the interval has passed, and once for several',
    source: kafka('StreamTask › shouldPunctuateSystemTimeWhenIntervalElapsed'),
    build: punctuated({ wallMs: 10 }),
    steps: [
      ['wall +10', 'out wall=10@10'],
      ['wall +10', 'out wall=20@20'],
      ['wall +9'],
      ['wall +1', 'out wall=30@30'],
      ['wall +20', 'out wall=50@50'],
    ],
  },
  {
    name: 'wall clock: not before the interval',
    source: kafka('StreamTask › shouldNotPunctuateSystemTimeWhenIntervalNotElapsed'),
    build: punctuated({ wallMs: 10 }),
    steps: [['wall +9']],
  },
  {
    name: 'wall clock: stays aligned to its start',
    source: kafka('StreamTask › shouldPunctuateOnceSystemTimeAfterGap'),
    build: punctuated({ wallMs: 10 }),
    steps: [
      ['wall +100', 'out wall=100@100'],
      ['wall +10', 'out wall=110@110'],
      ['wall +12', 'out wall=122@122'],
      ['wall +7'],
      ['wall +1', 'out wall=130@130'],
      ['wall +105', 'out wall=235@235'],
      ['wall +5', 'out wall=240@240'],
    ],
  },
  {
    name: "forward: the record's time by default, another one on request, with headers",
    source: ran,
    build: forwarded,
    steps: [
      ['in a=x@5#h:1', 'out a=x@5#h:1 a=x@1005#h:1'],
      ['in b=y@3', 'out b=y@3 b=y@1003'],
    ],
  },
  {
    name: 'a processor that counts in a store',
    source: ran,
    build: remembering,
    steps: [
      ['in a=x@1', 'out a=x@1'],
      ['in b=y@2', 'out b=y@2'],
      ['in a=z@3', 'out a=xz@3'],
    ],
  },
];
