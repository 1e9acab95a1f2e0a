package tributary.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A limit: reads a topic from the beginning, once, and counts its records ({@code consume-json}: parses each). Timed from the first
 * record on.
 */
final class RawConsumer {
  private static final JsonSerde<Login> LOGINS = new JsonSerde<>(Login.class);
  private static final Duration POLL = Duration.ofMillis(500);

  static void run(Map<String, String> options) throws InterruptedException {
    int threads = Integer.parseInt(options.get("threads"));
    int partitions = Integer.parseInt(options.get("partitions"));
    List<Thread> running = new ArrayList<>();
    long[] startedAt = new long[threads];
    long[] counted = new long[threads];
    for (int index = 0; index < threads; index++) {
      int own = index;
      Thread thread =
          new Thread(
              () -> {
                List<TopicPartition> mine = new ArrayList<>();
                for (int p = own; p < partitions; p += threads) mine.add(new TopicPartition(options.get("topic"), p));
                counted[own] = consume(options, mine, () -> startedAt[own] = System.nanoTime());
              });
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) thread.join();
    long records = 0;
    for (long c : counted) records += c;
    double seconds = (System.nanoTime() - Arrays.stream(startedAt).min().getAsLong()) / 1e9;
    System.out.println("{\"records\":" + records + ",\"seconds\":" + seconds + "}");
  }

  private static long consume(Map<String, String> options, List<TopicPartition> partitions, Runnable onFirst) {
    boolean parse = options.get("job").equals("consume-json");
    Properties config = new Properties();
    config.put("bootstrap.servers", options.get("brokers"));
    config.put("key.deserializer", ByteArrayDeserializer.class);
    config.put("value.deserializer", ByteArrayDeserializer.class);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", "false");
    long records = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          if (parse && LOGINS.read(record.value()).locale() == null) throw new IllegalStateException("no locale");
          if (records++ == 0) onFirst.run();
        }
      }
    }
    return records;
  }

  private RawConsumer() {}
}
