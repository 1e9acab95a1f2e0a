package tributary.bench;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** JSON by Jackson, with a reader and a writer made once, as its manual advises. */
public final class JsonSerde implements Serde<Login> {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final ObjectReader READER = MAPPER.readerFor(Login.class);
  private static final ObjectWriter WRITER = MAPPER.writerFor(Login.class);

  static Login read(byte[] bytes) {
    try {
      return READER.readValue(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Serializer<Login> serializer() {
    return (topic, login) -> {
      try {
        return login == null ? null : WRITER.writeValueAsBytes(login);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  @Override
  public Deserializer<Login> deserializer() {
    return (topic, bytes) -> bytes == null ? null : read(bytes);
  }
}
