import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Plays sequences of records through topologies of Kafka Streams and says what comes out, one JVM for all of them.
 *
 * <pre>
 *   describe NAME             --> the lines of describe(), then "."
 *   play NAME                 --> (nothing yet)
 *   TOPIC \t KEY \t VALUE \t MS   one record; "~" is null
 *   .                         --> KEY \t VALUE \t MS of each record of the topic "out", then "."
 * </pre>
 */
public final class Differential {
    private static final String NULL = "~";

    public static void main(final String[] args) throws IOException {
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            final String[] words = line.split(" ");
            if (words[0].equals("describe")) {
                out.print(Topologies.of(words[1]).describe());
                out.println(".");
            } else {
                play(Topologies.of(words[1]), in, out);
            }
            out.flush();
        }
    }

    private static void play(final Topology topology, final BufferedReader in, final PrintStream out) throws IOException {
        final Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, "differential");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        // Every update goes out: what a cache holds back depends on how much it may hold.
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        config.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
            "org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers");
        try (TopologyTestDriver driver = new TopologyTestDriver(topology, config, Instant.ofEpochMilli(0))) {
            final Map<String, TestInputTopic<String, String>> inputs = new HashMap<>();
            for (String line = in.readLine(); !line.equals("."); line = in.readLine()) {
                final String[] fields = line.split("\t");
                inputs.computeIfAbsent(fields[0],
                        name -> driver.createInputTopic(name, new StringSerializer(), new StringSerializer()))
                    .pipeInput(orNull(fields[1]), orNull(fields[2]), Long.parseLong(fields[3]));
            }
            final TestOutputTopic<String, String> results =
                driver.createOutputTopic("out", new StringDeserializer(), new StringDeserializer());
            for (final TestRecord<String, String> each : results.readRecordsToList()) {
                out.println(orTilde(each.key()) + "\t" + orTilde(each.value()) + "\t" + each.timestamp());
            }
            out.println(".");
        }
    }

    private static String orNull(final String field) {
        return field.equals(NULL) ? null : field;
    }

    private static String orTilde(final String text) {
        return text == null ? NULL : text;
    }
}
