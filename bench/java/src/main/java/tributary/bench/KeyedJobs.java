package tributary.bench;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.StreamJoined;

/** Jobs over events that lie under their keys: nothing is shuffled. Word by word those of bench/topologies/. */
final class KeyedJobs {
  private static final Set<String> JOBS = Set.of("count-by-key", "stream-table-join", "stream-stream-join", "sessions");

  static boolean has(String job) {
    return JOBS.contains(job);
  }

  static Topology topology(String job, Map<String, String> options) {
    StreamsBuilder builder = new StreamsBuilder();
    JsonSerde<Event> events = new JsonSerde<>(Event.class);
    JsonSerde<Pair> pairs = new JsonSerde<>(Pair.class);
    var keys = Serdes.String();
    var input = builder.stream(options.get("topic"), Consumed.with(keys, events));
    switch (job) {
      case "count-by-key" -> input.groupByKey(Grouped.with(keys, events)).count(Materialized.as("counts"));
      case "sessions" ->
          input
              .groupByKey(Grouped.with(keys, events))
              .windowedBy(
                  SessionWindows.ofInactivityGapAndGrace(
                      Duration.ofMillis(Long.parseLong(options.get("gapMs"))),
                      Duration.ofMillis(Long.parseLong(options.get("graceMs")))))
              .count(Materialized.as("counts"));
      case "stream-table-join" ->
          input
              .join(
                  builder.table(options.get("other"), Consumed.with(keys, events), Materialized.as("table")),
                  Pair::of,
                  Joined.with(keys, events, events))
              .to(options.get("output"), Produced.with(keys, pairs));
      case "stream-stream-join" ->
          input
              .join(
                  builder.stream(options.get("other"), Consumed.with(keys, events)),
                  Pair::of,
                  JoinWindows.ofTimeDifferenceAndGrace(
                      Duration.ofMillis(Long.parseLong(options.get("differenceMs"))),
                      Duration.ofMillis(Long.parseLong(options.get("graceMs")))),
                  StreamJoined.with(keys, events, events).withName("pairs").withStoreName("pairs"))
              .to(options.get("output"), Produced.with(keys, pairs));
      default -> throw new IllegalArgumentException(job);
    }
    return builder.build();
  }

  private KeyedJobs() {}
}
