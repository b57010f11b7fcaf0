import {
  type KStream,
  Serdes,
  SessionWindows,
  StreamsBuilder,
  TimeWindows,
  type Topology,
  type Windowed,
} from '../../src/index.ts';

// The topologies of test/java/Topologies.java, by the same names: whoever changes one changes both. Each reads `in` and writes
// `out`, strings by strings; values may be null, as topics have them, and the types do not say so.

const text = Serdes.string;
const TEXTS = { key: text, value: text };

const texts = (builder: StreamsBuilder, windows: TimeWindows) =>
  input(builder)
    .groupByKey()
    .windowedBy(windows)
    .aggregate<string>(
      () => '',
      (_key, value, sum) => (value === 'c' ? null : sum + value),
      { value: text },
    );

const sessionTexts = (builder: StreamsBuilder, windows: SessionWindows) =>
  input(builder)
    .groupByKey()
    .windowedBy(windows)
    .aggregate<string>(
      () => '',
      (_key, value, sum) => sum + value,
      (_key, a, b) => `${a}|${b}`,
      { value: text },
    );

type Build = (builder: StreamsBuilder) => void;

const input = (builder: StreamsBuilder) => builder.stream('in', TEXTS);
const out = (stream: KStream<string, string>) => stream.to('out', TEXTS);
const flat = ({ key, window }: Windowed<string>) => `${key}@${window.startMs}/${window.endMs}`;

const windowed =
  (windows: TimeWindows): Build =>
  (builder) =>
    out(
      input(builder)
        .groupByKey()
        .windowedBy(windows)
        .count()
        .toStream()
        .map((key, value) => [flat(key), String(value)]),
    );

export const TOPOLOGIES: Readonly<Record<string, Build>> = {
  stateless(builder) {
    const branches = input(builder)
      .filter((_key, value) => value !== null)
      .filterNot((_key, value) => value === 'c')
      .map((key, value) => [value, key + value] as const)
      .mapValues((value) => `${value}!`)
      .flatMap((key, value) => [[key, value] as const, [`${key}2`, value] as const])
      .flatMapValues((value) => [value, `${value}?`])
      .peek(() => undefined)
      .selectKey((_key, value) => value)
      .split()
      .branch((_key, value) => value.startsWith('k1'))
      .branch((_key, value) => value.startsWith('k2'))
      .defaultBranch();
    const [first, second, rest] = [...branches.values()] as [
      KStream<string, string>,
      KStream<string, string>,
      KStream<string, string>,
    ];
    out(first.merge(rest.mapValues((value) => `rest ${value}`)));
    second.foreach(() => undefined);
  },
  count: (builder) => out(input(builder).groupByKey().count().toStream().mapValues(String)),
  'count-by-value': (builder) =>
    out(
      input(builder)
        .groupBy((_key, value) => value, { key: text })
        .count({ name: 'counts' })
        .toStream()
        .mapValues(String),
    ),
  reduce: (builder) =>
    out(
      input(builder)
        .groupByKey()
        .reduce((a, b) => (b === 'a' ? null : a + b))
        .toStream(),
    ),
  aggregate: (builder) =>
    out(
      input(builder)
        .selectKey((key, value) => (key === null ? key : key.slice(0, 1) + value), { key: text })
        .groupByKey()
        .aggregate(
          () => '',
          (_key, value, sum) => sum + value,
          { value: text },
        )
        .toStream(),
    ),
  'table-filter': (builder) =>
    out(
      builder
        .table('in', TEXTS)
        .filter((_key, value) => value !== 'a')
        .toStream(),
    ),
  'table-filter-stored': (builder) =>
    out(
      builder
        .table('in', TEXTS, { name: 'kept' })
        .filterNot((_key, value) => value === 'a')
        .toStream(),
    ),
  'table-chain': (builder) =>
    out(
      builder
        .table('in', TEXTS)
        .mapValues((value) => value + value)
        .filter((_key, value) => value !== 'bb', { name: 'filtered', ...TEXTS })
        .mapValues((value, key) => key + value)
        .toStream(),
    ),
  'table-group': (builder) =>
    out(
      builder
        .table('in', TEXTS)
        .groupBy((key, value) => [value, key] as const, TEXTS)
        .aggregate(
          () => '',
          (_key, value, sum) => `${sum}+${value}`,
          (_key, value, sum) => `${sum}-${value}`,
          TEXTS,
        )
        .toStream(),
    ),
  'table-group-reduce': (builder) =>
    out(
      builder
        .table('in', TEXTS)
        .filter((_key, value) => value !== 'b')
        .groupBy((key, value) => [key.slice(0, 1), value] as const, TEXTS)
        .reduce(
          (sum, value) => `${sum}+${value}`,
          (sum, value) => (sum.length > 12 ? null : `${sum}-${value}`),
        )
        .toStream(),
    ),
  'count-of-counts': (builder) =>
    out(
      input(builder)
        .groupByKey()
        .count()
        .groupBy((key, count) => [`${count}`, key] as const, TEXTS)
        .count()
        .toStream()
        .mapValues(String),
    ),
  tumbling: windowed(TimeWindows.ofSizeAndGrace(100, 50)),
  'tumbling-no-grace': windowed(TimeWindows.ofSizeWithNoGrace(100)),
  hopping: windowed(TimeWindows.ofSizeAndGrace(100, 30).advanceBy(40)),
  'windowed-by-value': (builder) =>
    out(
      input(builder)
        .groupBy((_key, value) => value, { key: text })
        .windowedBy(TimeWindows.ofSizeAndGrace(100, 20))
        .aggregate(
          () => '',
          (_key, value, sum) => sum + value,
          { value: text },
        )
        .filter((_key, value) => value.length % 2 === 0)
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
  suppressed: (builder) =>
    out(
      texts(builder, TimeWindows.ofSizeAndGrace(100, 40))
        .suppressUntilWindowCloses()
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
  'suppressed-filtered': (builder) =>
    out(
      texts(builder, TimeWindows.ofSizeAndGrace(60, 0).advanceBy(20))
        .filter((_key, value) => value.length < 6)
        .suppressUntilWindowCloses()
        .mapValues((value) => `${value}!`)
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
  sessions: (builder) =>
    out(
      sessionTexts(builder, SessionWindows.ofInactivityGapAndGrace(30, 50))
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
  'sessions-suppressed': (builder) =>
    out(
      sessionTexts(builder, SessionWindows.ofInactivityGapAndGrace(20, 10))
        .suppressUntilWindowCloses()
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
  'windowed-reduce': (builder) =>
    out(
      input(builder)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeAndGrace(60, 10).advanceBy(20))
        .reduce((a, b) => (b === null ? null : a + b))
        .toStream()
        .map((key, value) => [flat(key), value]),
    ),
};

export function topologyOf(name: string): Topology {
  const builder = new StreamsBuilder();
  (TOPOLOGIES[name] as Build)(builder);
  return builder.build();
}
