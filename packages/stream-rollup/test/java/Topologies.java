import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueStore;

/** The topologies of test/dsl/topologies.ts, by the same names: whoever changes one changes both. */
final class Topologies {
    private static final Serde<String> TEXT = Serdes.String();

    static Topology of(final String name) {
        final StreamsBuilder builder = new StreamsBuilder();
        switch (name) {
            case "stateless": stateless(builder); break;
            case "count": count(builder); break;
            case "count-by-value": countByValue(builder); break;
            case "reduce": reduce(builder); break;
            case "aggregate": aggregate(builder); break;
            case "table-filter": tableFilter(builder); break;
            case "table-filter-stored": tableFilterStored(builder); break;
            case "table-chain": tableChain(builder); break;
            case "table-group": tableGroup(builder); break;
            case "table-group-reduce": tableGroupReduce(builder); break;
            case "count-of-counts": countOfCounts(builder); break;
            case "tumbling": windowed(builder, TimeWindows.ofSizeAndGrace(Duration.ofMillis(100), Duration.ofMillis(50))); break;
            case "tumbling-no-grace": windowed(builder, TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(100))); break;
            case "hopping": windowed(builder, TimeWindows.ofSizeAndGrace(Duration.ofMillis(100), Duration.ofMillis(30)).advanceBy(Duration.ofMillis(40))); break;
            case "windowed-by-value": windowedByValue(builder); break;
            case "windowed-reduce": windowedReduce(builder); break;
            case "suppressed": suppressed(builder); break;
            case "suppressed-filtered": suppressedFiltered(builder); break;
            case "sessions": sessions(builder); break;
            case "sessions-suppressed": sessionsSuppressed(builder); break;
            default: throw new IllegalArgumentException(name);
        }
        return builder.build();
    }

    private static KStream<String, String> in(final StreamsBuilder builder) {
        return builder.stream("in", Consumed.with(TEXT, TEXT));
    }

    private static void out(final KStream<String, String> stream) {
        stream.to("out", Produced.with(TEXT, TEXT));
    }

    private static void stateless(final StreamsBuilder builder) {
        final KStream<String, String> in = in(builder);
        final Map<String, KStream<String, String>> branches = in
            .filter((key, value) -> value != null)
            .filterNot((key, value) -> value.equals("c"))
            .map((key, value) -> KeyValue.pair(value, key + value))
            .mapValues(value -> value + "!")
            .flatMap((key, value) -> Arrays.asList(KeyValue.pair(key, value), KeyValue.pair(key + "2", value)))
            .flatMapValues(value -> Arrays.asList(value, value + "?"))
            .peek((key, value) -> { })
            .selectKey((key, value) -> value)
            .split()
            .branch((key, value) -> value.startsWith("k1"))
            .branch((key, value) -> value.startsWith("k2"))
            .defaultBranch();
        final KStream<String, String> first = branches.get("KSTREAM-BRANCH-00000000091");
        final KStream<String, String> second = branches.get("KSTREAM-BRANCH-00000000092");
        final KStream<String, String> rest = branches.get("KSTREAM-BRANCH-00000000090");
        out(first.merge(rest.mapValues(value -> "rest " + value)));
        second.foreach((key, value) -> { });
    }

    private static void count(final StreamsBuilder builder) {
        out(in(builder).groupByKey().count().toStream().mapValues(value -> String.valueOf(value)));
    }

    private static void countByValue(final StreamsBuilder builder) {
        out(in(builder)
            .groupBy((key, value) -> value, Grouped.with(TEXT, TEXT))
            .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(TEXT).withValueSerde(Serdes.Long()))
            .toStream().mapValues(value -> String.valueOf(value)));
    }

    private static void reduce(final StreamsBuilder builder) {
        out(in(builder).groupByKey(Grouped.with(TEXT, TEXT)).reduce((a, b) -> b.equals("a") ? null : a + b).toStream());
    }

    private static void aggregate(final StreamsBuilder builder) {
        out(in(builder)
            .selectKey((key, value) -> key == null ? null : key.substring(0, 1) + value)
            .groupByKey(Grouped.with(TEXT, TEXT))
            .aggregate(() -> "", (key, value, sum) -> sum + value, Materialized.with(TEXT, TEXT))
            .toStream());
    }

    private static void tableFilter(final StreamsBuilder builder) {
        out(builder.table("in", Consumed.with(TEXT, TEXT)).filter((key, value) -> !value.equals("a")).toStream());
    }

    private static void tableFilterStored(final StreamsBuilder builder) {
        out(builder.table("in", Consumed.with(TEXT, TEXT), Materialized.as("kept"))
            .filterNot((key, value) -> value.equals("a"))
            .toStream());
    }

    private static void tableChain(final StreamsBuilder builder) {
        out(builder.table("in", Consumed.with(TEXT, TEXT))
            .mapValues(value -> value + value)
            .filter((key, value) -> !value.equals("bb"), Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("filtered").withKeySerde(TEXT).withValueSerde(TEXT))
            .mapValues((key, value) -> key + value)
            .toStream());
    }

    private static void tableGroup(final StreamsBuilder builder) {
        out(builder.table("in", Consumed.with(TEXT, TEXT))
            .groupBy((key, value) -> KeyValue.pair(value, key), Grouped.with(TEXT, TEXT))
            .aggregate(() -> "", (key, value, sum) -> sum + "+" + value, (key, value, sum) -> sum + "-" + value, Materialized.with(TEXT, TEXT))
            .toStream());
    }

    private static void tableGroupReduce(final StreamsBuilder builder) {
        out(builder.table("in", Consumed.with(TEXT, TEXT))
            .filter((key, value) -> !value.equals("b"))
            .groupBy((key, value) -> KeyValue.pair(key.substring(0, 1), value), Grouped.with(TEXT, TEXT))
            .reduce((sum, value) -> sum + "+" + value, (sum, value) -> sum.length() > 12 ? null : sum + "-" + value)
            .toStream());
    }

    private static void countOfCounts(final StreamsBuilder builder) {
        out(in(builder).groupByKey(Grouped.with(TEXT, TEXT)).count()
            .groupBy((key, count) -> KeyValue.pair(String.valueOf(count), key), Grouped.with(TEXT, TEXT))
            .count()
            .toStream().mapValues(value -> String.valueOf(value)));
    }

    private static String flat(final Windowed<String> key) {
        return key.key() + "@" + key.window().start() + "/" + key.window().end();
    }

    private static void windowed(final StreamsBuilder builder, final TimeWindows windows) {
        out(in(builder).groupByKey(Grouped.with(TEXT, TEXT)).windowedBy(windows)
            .count()
            .toStream().map((key, value) -> KeyValue.pair(flat(key), String.valueOf(value))));
    }

    private static KTable<Windowed<String>, String> texts(final StreamsBuilder builder, final TimeWindows windows) {
        return in(builder).groupByKey(Grouped.with(TEXT, TEXT)).windowedBy(windows)
            .aggregate(() -> "", (key, value, sum) -> "c".equals(value) ? null : sum + value, Materialized.with(TEXT, TEXT));
    }

    private static void suppressed(final StreamsBuilder builder) {
        out(texts(builder, TimeWindows.ofSizeAndGrace(Duration.ofMillis(100), Duration.ofMillis(40)))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }

    private static void suppressedFiltered(final StreamsBuilder builder) {
        out(texts(builder, TimeWindows.ofSizeAndGrace(Duration.ofMillis(60), Duration.ofMillis(0)).advanceBy(Duration.ofMillis(20)))
            .filter((key, value) -> value.length() < 6)
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .mapValues(value -> value + "!")
            .toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }

    private static KTable<Windowed<String>, String> sessionTexts(final StreamsBuilder builder, final SessionWindows windows) {
        return in(builder).groupByKey(Grouped.with(TEXT, TEXT)).windowedBy(windows)
            .aggregate(() -> "", (key, value, sum) -> sum + value, (key, a, b) -> a + "|" + b, Materialized.with(TEXT, TEXT));
    }

    private static void sessions(final StreamsBuilder builder) {
        out(sessionTexts(builder, SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(30), Duration.ofMillis(50)))
            .toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }

    private static void sessionsSuppressed(final StreamsBuilder builder) {
        out(sessionTexts(builder, SessionWindows.ofInactivityGapAndGrace(Duration.ofMillis(20), Duration.ofMillis(10)))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
            .toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }

    private static void windowedByValue(final StreamsBuilder builder) {
        out(in(builder).groupBy((key, value) -> value, Grouped.with(TEXT, TEXT))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMillis(100), Duration.ofMillis(20)))
            .aggregate(() -> "", (key, value, sum) -> sum + value, Materialized.with(TEXT, TEXT))
            .filter((key, value) -> value.length() % 2 == 0)
            .toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }

    private static void windowedReduce(final StreamsBuilder builder) {
        final KTable<Windowed<String>, String> table = in(builder).groupByKey(Grouped.with(TEXT, TEXT))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMillis(60), Duration.ofMillis(10)).advanceBy(Duration.ofMillis(20)))
            .reduce((a, b) -> a == null ? b : b == null ? null : a + b);
        out(table.toStream().map((key, value) -> KeyValue.pair(flat(key), value)));
    }
}
