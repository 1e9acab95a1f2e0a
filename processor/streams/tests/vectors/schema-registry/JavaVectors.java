import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.MapEntry;
import com.google.protobuf.TextFormat;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaDeserializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaSerializer;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.kafka.common.utils.ByteUtils;

/**
 * Bytes that Java's serializers write: `java JavaVectors.java write URL descriptors.bin PROTOBUF_ID` prints them, one
 * `name hex` a line; `read` takes such lines and prints what Java's deserializers make of them. How: README.md.
 */
public class JavaVectors {
  static final HexFormat HEX = HexFormat.of();
  static final List<String> lines = new ArrayList<>();

  static Map<String, Object> config(String url, String artifact) {
    return Map.of(
        "apicurio.registry.url", url + "/apis/registry/v2",
        "apicurio.registry.auto-register", true,
        "apicurio.registry.headers.enabled", false,
        "apicurio.registry.id-handler", "io.apicurio.registry.serde.Legacy4ByteIdHandler",
        "apicurio.registry.use-id", "contentId",
        "apicurio.registry.artifact.artifact-id", artifact,
        "apicurio.registry.serde.validation-enabled", false,
        "apicurio.registry.artifact.schema.location", "order.schema.json");
  }

  public static void main(String[] args) throws Exception {
    String url = args[1];
    FileDescriptorSet set = FileDescriptorSet.parseFrom(Files.readAllBytes(Path.of(args[2])));
    FileDescriptor timestamp = FileDescriptor.buildFrom(set.getFile(0), new FileDescriptor[0]);
    FileDescriptor shop = FileDescriptor.buildFrom(set.getFile(1), new FileDescriptor[] {timestamp});
    if (args[0].equals("write")) write(url, shop, timestamp, Integer.parseInt(args[3]));
    else read(url, shop, Path.of(args[3]));
  }

  static void write(String url, FileDescriptor shop, FileDescriptor timestamp, int protobufId) throws Exception {
    Schema schema = new Schema.Parser().parse(Files.readString(Path.of("order.avsc")));
    try (AvroKafkaSerializer<Object> avro = new AvroKafkaSerializer<>()) {
      avro.configure(config(url, "java-avro-value"), false);
      GenericData.Record full = order(schema, "é", -7L, Integer.MIN_VALUE, 0.5, -1.5f, true, "00ff", "6162", "PAID");
      full.put("tags", List.of("a", ""));
      full.put("counts", Map.of("a", -1));
      full.put("coupon", "spring");
      full.put("either", 7L);
      full.put("at", 1767225600000L);
      GenericData.Record place = new GenericData.Record(schema.getField("place").schema().getTypes().get(1));
      place.put("city", "Ulm");
      full.put("place", place);
      print("avro-full", avro.serialize("orders", full));
      GenericData.Record least = order(schema, "", 9007199254740993L, 0, 0, 0, false, "", "0000", "NEW");
      least.put("tags", List.of());
      least.put("counts", Map.of());
      least.put("either", 7);
      least.put("at", 0L);
      print("avro-least", avro.serialize("orders", least));
    }
    try (JsonSchemaKafkaSerializer<Object> json = new JsonSchemaKafkaSerializer<>()) {
      json.configure(config(url, "java-json-value"), false);
      ObjectNode node = new ObjectMapper().createObjectNode().put("id", "é").put("cents", -7);
      node.putArray("tags").add("a");
      node.putObject("place").put("city", "Ulm");
      print("json-full", json.serialize("orders", node));
    }
    Descriptor order = shop.findMessageTypeByName("Order");
    Descriptor at = timestamp.findMessageTypeByName("Timestamp");
    DynamicMessage.Builder full = DynamicMessage.newBuilder(order);
    set(full, "id", "é");
    set(full, "cents", -7L);
    set(full, "serial", -1L);
    set(full, "delta", Integer.MIN_VALUE);
    set(full, "mark", -1);
    set(full, "share", 0.5);
    set(full, "weight", -1.5f);
    set(full, "gift", true);
    set(full, "code", ByteString.copyFrom(HEX.parseHex("00ff")));
    set(full, "status", shop.findEnumTypeByName("Status").findValueByName("PAID"));
    set(full, "tags", List.of("a", ""));
    set(full, "sizes", List.of(1, -1, 300));
    Descriptor entry = order.findFieldByName("counts").getMessageType();
    set(full, "counts", List.of(DynamicMessage.newBuilder(entry)
        .setField(entry.findFieldByName("key"), "a").setField(entry.findFieldByName("value"), -1).build()));
    set(full, "machine", 0);
    set(full, "discount", 0);
    set(full, "at", DynamicMessage.newBuilder(at).setField(at.findFieldByName("seconds"), 1767225600L)
        .setField(at.findFieldByName("nanos"), 5).build());
    Descriptor place = order.findNestedTypeByName("Place");
    set(full, "place", DynamicMessage.newBuilder(place).setField(place.findFieldByName("city"), "Ulm").build());
    print("protobuf-full", framed(protobufId, full.build(), 0));
    print("protobuf-least", framed(protobufId, DynamicMessage.newBuilder(order).build(), 0));
    DynamicMessage.Builder refund = DynamicMessage.newBuilder(shop.findMessageTypeByName("Refund"));
    set(refund, "id", "r");
    print("protobuf-refund", framed(protobufId, refund.build(), 1));
    DynamicMessage.Builder note = DynamicMessage.newBuilder(order.findNestedTypeByName("Note"));
    set(note, "text", "n");
    print("protobuf-note", framed(protobufId, note.build(), 0, 1));
  }

  static GenericData.Record order(Schema schema, String id, long cents, int count, double share, float weight,
      boolean gift, String mark, String code, String status) {
    GenericData.Record record = new GenericData.Record(schema);
    record.put("id", id);
    record.put("cents", cents);
    record.put("count", count);
    record.put("share", share);
    record.put("weight", weight);
    record.put("gift", gift);
    record.put("mark", ByteBuffer.wrap(HEX.parseHex(mark)));
    record.put("code", new GenericData.Fixed(schema.getField("code").schema(), HEX.parseHex(code)));
    record.put("status", new GenericData.EnumSymbol(schema.getField("status").schema(), status));
    return record;
  }

  static void set(DynamicMessage.Builder message, String field, Object value) {
    message.setField(message.getDescriptorForType().findFieldByName(field), value);
  }

  /** As Confluent's MessageIndexes: Kafka's own varints, and one zero byte for the first message. */
  static byte[] framed(int id, DynamicMessage message, int... indexes) {
    ByteBuffer bytes = ByteBuffer.allocate(64 + message.getSerializedSize());
    bytes.put((byte) 0).putInt(id);
    if (indexes.length == 1 && indexes[0] == 0) ByteUtils.writeVarint(0, bytes);
    else {
      ByteUtils.writeVarint(indexes.length, bytes);
      for (int index : indexes) ByteUtils.writeVarint(index, bytes);
    }
    bytes.put(message.toByteArray());
    byte[] written = new byte[bytes.position()];
    bytes.flip().get(written);
    return written;
  }

  static void print(String name, byte[] bytes) {
    System.out.println(name + " " + HEX.formatHex(bytes));
  }

  static void read(String url, FileDescriptor shop, Path file) throws Exception {
    try (AvroKafkaDeserializer<Object> avro = new AvroKafkaDeserializer<>();
        JsonSchemaKafkaDeserializer<Object> json = new JsonSchemaKafkaDeserializer<>()) {
      avro.configure(config(url, "read-avro"), false);
      json.configure(config(url, "read-json"), false);
      for (String line : Files.readAllLines(file)) {
        String[] parts = line.split(" ");
        byte[] bytes = HEX.parseHex(parts[1]);
        String said;
        if (parts[0].startsWith("avro")) said = String.valueOf(avro.deserialize("orders", bytes));
        else if (parts[0].startsWith("json")) said = String.valueOf(json.deserialize("orders", bytes));
        else {
          ByteBuffer buffer = ByteBuffer.wrap(bytes).position(5);
          int count = ByteUtils.readVarint(buffer);
          Descriptor type = shop.getMessageTypes().get(count == 0 ? 0 : ByteUtils.readVarint(buffer));
          for (int level = 1; level < count; level++) {
            List<Descriptor> nested = type.getNestedTypes().stream().filter(t -> !t.getOptions().getMapEntry()).toList();
            type = nested.get(ByteUtils.readVarint(buffer));
          }
          DynamicMessage message = DynamicMessage.parseFrom(type, ByteString.copyFrom(buffer));
          said = type.getFullName() + " " + TextFormat.printer().emittingSingleLine(true).printToString(message);
        }
        System.out.println(parts[0] + " " + said);
      }
    }
  }
}
