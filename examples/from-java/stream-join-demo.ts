import { float64Serde, int64Serde, joinWindows, stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';

/** StreamJoinDemo.java: two streams whose records are at most five minutes apart, joined inner, left and outer. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', { value: int64Serde });
  const right = builder.stream('right', { value: float64Serde });

  const windows = joinWindows({ differenceMs: 5 * 60_000, graceMs: 0 });
  const joiner = (leftValue: number | null, rightValue: number | null): string =>
    `left=${String(leftValue)}, right=${String(rightValue)}`;

  // The name stands in the names of the stores; the serdes are those of the streams.
  const joined = left.join(right, joiner, { windows, name: 'joined' });
  const leftJoined = left.leftJoin(right, joiner, { windows, name: 'left-joined' });
  const outerJoined = left.outerJoin(right, joiner, { windows, name: 'outer-joined' });

  joined.to('joined', { value: stringSerde });
  leftJoined.to('left-joined', { value: stringSerde });
  outerJoined.to('outer-joined', { value: stringSerde });
  return builder.build();
}
