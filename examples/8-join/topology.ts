import { joinWindows, jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';

export interface JoinOptions {
  /** Ads that were shown, keyed by the id of the showing. */
  readonly shown: string;
  /** Clicks, keyed by the id of the showing. */
  readonly clicks: string;
  /** Users, keyed by their id: a table. */
  readonly users: string;
  /** Showings, keyed by user: each once, when it is known whether it was clicked. */
  readonly output: string;
}

export interface Showing {
  readonly ad: string;
  readonly user: string;
}

export interface Click {
  readonly x: number;
  readonly y: number;
}

export interface User {
  readonly country: string;
}

/** A showing, when it is known whether it was clicked. */
interface SeenShowing extends Showing {
  readonly clicked: boolean;
}

export interface ShowingOutcome {
  readonly ad: string;
  readonly clicked: boolean;
  readonly country: string;
}

const MINUTE_MS = 60_000;

/**
 * Two joins: a showing with a click of the minute after it, or with none, and the outcome with the row of its user. A
 * second click is a second outcome, as in Kafka Streams.
 */
export function buildTopology({ shown, clicks, users, output }: JoinOptions): Topology {
  const builder = new StreamsBuilder();
  const showings = builder.stream(shown, { value: jsonSerde<Showing>() });
  const userTable = builder.table(users, { value: jsonSerde<User>() });

  showings
    .leftJoin(
      builder.stream(clicks, { value: jsonSerde<Click>() }),
      ({ ad, user }, click) => ({ ad, user, clicked: click !== null }),
      { windows: joinWindows({ beforeMs: 0, afterMs: MINUTE_MS, graceMs: 5_000 }), name: 'showing-clicks' },
    )
    .selectKey(({ user }) => user)
    .leftJoin(
      userTable,
      ({ ad, clicked }, user): ShowingOutcome => ({ ad, clicked, country: user?.country ?? 'unknown' }),
      { name: 'outcomes-by-user', value: jsonSerde<SeenShowing>() },
    )
    .to(output, { value: jsonSerde() });
  return builder.build();
}
