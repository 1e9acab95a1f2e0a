package tributary.bench;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * {@code job=count-by-state-and-device|count-by-device|consume|consume-json} or a job of {@link KeyedJobs}, and the rest as
 * {@code name=value}; {@code rocksdb=tuned} is {@link TunedRocksDb}. Prints a line of JSON for each change of state; ends on
 * SIGTERM.
 */
public final class Main {
  private static final long CLOSE_SECONDS = 20;

  public static void main(String[] args) throws Exception {
    Map<String, String> options =
        Arrays.stream(args).map(a -> a.split("=", 2)).collect(Collectors.toMap(a -> a[0], a -> a[1]));
    String job = options.get("job");
    if (job.startsWith("consume")) {
      RawConsumer.run(options);
      return;
    }
    Topology topology = KeyedJobs.has(job) ? KeyedJobs.topology(job, options) : topology(job, options);
    KafkaStreams streams = new KafkaStreams(topology, config(options));
    streams.setStateListener(
        (next, previous) -> {
          System.out.println("{\"state\":\"" + next + "\"}");
          System.out.flush();
        });
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  // By default it stays a member, and a start right after waits for the session to end.
                  streams.close(
                      CloseOptions.timeout(Duration.ofSeconds(CLOSE_SECONDS))
                          .withGroupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
                  ended.countDown();
                }));
    streams.start();
    ended.await();
  }

  private static Topology topology(String job, Map<String, String> options) {
    StreamsBuilder builder = new StreamsBuilder();
    JsonSerde<Login> json = new JsonSerde<>(Login.class);
    var grouped =
        builder
            .stream(options.get("topic"), Consumed.with(Serdes.String(), json))
            .groupBy(
                job.equals("count-by-device")
                    ? (key, login) -> login.deviceId()
                    : (key, login) -> login.locale() + "|" + login.deviceType(),
                Grouped.with("by-key", Serdes.String(), json));
    var counts = grouped.count(Materialized.as("counts"));
    if (options.containsKey("output")) {
      counts.toStream().to(options.get("output"), Produced.with(Serdes.String(), Serdes.Long()));
    }
    return builder.build();
  }

  private static Properties config(Map<String, String> options) {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("application"));
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("brokers"));
    config.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state"));
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.get("threads"));
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, options.get("guarantee"));
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.get("commitIntervalMs"));
    config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put("auto.offset.reset", "earliest");
    if ("tuned".equals(options.get("rocksdb"))) {
      config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, TunedRocksDb.class);
    }
    return config;
  }

  private Main() {}
}
