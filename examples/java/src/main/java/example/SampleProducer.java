package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Counts, and tells Tidemark through Kafka: one Avro record a sample.
 *
 * <pre>mvn -q compile exec:java -Dexec.args="localhost:9092 http://localhost:8081 tidemark.samples 60"</pre>
 *
 * The schema comes from the registry, where Tidemark has put it. With Confluent's KafkaAvroSerializer on your class path,
 * {@link #encode} and {@link #latest} are not needed.
 */
public final class SampleProducer {
  private record Registered(int id, Schema schema) {}

  public static void main(String[] args) throws Exception {
    String bootstrap = args.length > 0 ? args[0] : "localhost:9092";
    String registry = args.length > 1 ? args[1] : "http://localhost:8081";
    String topic = args.length > 2 ? args[2] : "tidemark.samples";
    int samples = args.length > 3 ? Integer.parseInt(args[3]) : 60;

    Registered registered = latest(registry, topic + "-value");
    Map<String, Object> config = Map.of(
        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
        ProducerConfig.ACKS_CONFIG, "all",
        ProducerConfig.LINGER_MS_CONFIG, 100);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer())) {
      for (int i = 1; i <= samples; i++) {
        GenericRecord sample = sample(registered.schema(), "example_orders_total", "java", i);
        producer.send(new ProducerRecord<>(topic, "any key", encode(registered, sample)), (at, error) -> {
          if (error != null) System.err.println("not written: " + error.getMessage());
        });
        if (i < samples) Thread.sleep(1000);
      }
      producer.flush();
    }
    System.out.println(samples + " samples on " + topic);
  }

  private static GenericRecord sample(Schema schema, String name, String language, double value) {
    Schema label = schema.getField("labels").schema().getElementType();
    Schema type = schema.getField("type").schema();
    return new GenericRecordBuilder(schema)
        .set("name", name)
        .set("labels", List.of(
            new GenericRecordBuilder(label).set("name", "language").set("value", language).build()))
        .set("type", new GenericData.EnumSymbol(type, "counter"))
        .set("timestamp", System.currentTimeMillis())
        .set("value", value)
        .build(); // the other fields have defaults
  }

  /** As every Confluent serializer has it: a zero byte, four of the schema's id, the record. */
  private static byte[] encode(Registered registered, GenericRecord sample) throws IOException {
    var bytes = new ByteArrayOutputStream();
    bytes.write(0);
    bytes.write(ByteBuffer.allocate(4).putInt(registered.id()).array());
    BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(registered.schema()).write(sample, encoder);
    return bytes.toByteArray();
  }

  private static Registered latest(String registry, String subject) throws IOException, InterruptedException {
    URI address = URI.create(registry + "/subjects/" + subject + "/versions/latest");
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(address + " answered " + response.statusCode() + ": " + response.body());
    }
    JsonNode answer = new ObjectMapper().readTree(response.body());
    return new Registered(answer.get("id").asInt(), new Schema.Parser().parse(answer.get("schema").asText()));
  }

  private SampleProducer() {}
}
