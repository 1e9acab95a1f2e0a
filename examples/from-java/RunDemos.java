import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.examples.join.StreamJoinDemo;
import org.apache.kafka.streams.examples.pageview.PageViewTypedDemo;
import org.apache.kafka.streams.examples.temperature.TemperatureDemo;
import org.apache.kafka.streams.examples.wordcount.WordCountDemo;
import org.apache.kafka.streams.examples.wordcount.WordCountProcessorDemo;
import org.apache.kafka.streams.test.TestRecord;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;

/** Pipes the records of each file of vectors through its demo on Kafka's driver, and writes beside each what came out. */
public final class RunDemos {

    private record Demo(Properties config, Topology topology, String... outputs) { }

    private static final Map<String, Demo> DEMOS = Map.of(
        "word-count-demo", new Demo(WordCountDemo.streamsConfig(), built(WordCountDemo::createWordCountStream), WordCountDemo.OUTPUT_TOPIC),
        "word-count-processor-demo", new Demo(WordCountProcessorDemo.streamsConfig(), WordCountProcessorDemo.createTopology(), "streams-wordcount-processor-output"),
        "page-view-typed-demo", new Demo(PageViewTypedDemo.streamsConfig(), built(PageViewTypedDemo::createPageViewStream), "streams-pageviewstats-typed-output"),
        "temperature-demo", new Demo(TemperatureDemo.streamsConfig(), built(TemperatureDemo::createTemperatureStream), "iot-temperature-max"),
        "stream-join-demo", new Demo(StreamJoinDemo.streamsConfig(), built(StreamJoinDemo::createJoinStream), "joined", "left-joined", "outer-joined"));

    public static void main(final String[] files) throws Exception {
        final ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        for (final String name : files) {
            final File file = new File(name);
            final ObjectNode vectors = (ObjectNode) json.readTree(file);
            run(DEMOS.get(file.getName().replace(".json", "")), vectors);
            json.writeValue(file, vectors);
        }
    }

    private static void run(final Demo demo, final ObjectNode vectors) {
        try (TopologyTestDriver driver = new TopologyTestDriver(demo.topology(), demo.config())) {
            for (final var step : vectors.withArray("/steps")) {
                // What stays alone in a join comes out at most once a second of the wall clock.
                driver.advanceWallClockTime(Duration.ofSeconds(2));
                final TestInputTopic<byte[], byte[]> input =
                    driver.createInputTopic(step.get("topic").textValue(), new ByteArraySerializer(), new ByteArraySerializer());
                final byte[] key = bytes(step.get("key").textValue());
                input.pipeInput(new TestRecord<>(key, bytes(step.get("value").textValue()), null, step.get("timestampMs").longValue()));
                final ArrayNode out = ((ObjectNode) step).putArray("out");
                for (final String topic : demo.outputs()) {
                    final TestOutputTopic<byte[], byte[]> output =
                        driver.createOutputTopic(topic, new ByteArrayDeserializer(), new ByteArrayDeserializer());
                    for (final TestRecord<byte[], byte[]> record : output.readRecordsToList())
                        out.addObject().put("topic", topic).put("key", text(record.key())).put("value", text(record.value()))
                            .put("timestampMs", record.timestamp());
                }
            }
        }
    }

    private static Topology built(final Consumer<StreamsBuilder> create) {
        final StreamsBuilder builder = new StreamsBuilder();
        create.accept(builder);
        return builder.build();
    }

    /** Text, or bytes as 0x and hex digits. */
    private static byte[] bytes(final String text) {
        if (text == null) return null;
        return text.startsWith("0x") ? HexFormat.of().parseHex(text.substring(2)) : text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(final byte[] bytes) {
        if (bytes == null) return null;
        final String text = new String(bytes, StandardCharsets.UTF_8);
        final boolean isText = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes) && text.chars().noneMatch(Character::isISOControl);
        return isText ? text : "0x" + HexFormat.of().formatHex(bytes);
    }
}
