import type { Aggregator, Fold, Initializer, OldValues, Reducer } from '../dsl/aggregate.ts';
import { type DslGraph, type Materialized, pairOf } from '../dsl/graph.ts';
import { needSerde, type SerdePair, Serdes } from '../dsl/serde.ts';
import { KTable } from '../dsl/table.ts';
import type { TimeWindows, Windowed } from './time-windows.ts';
import { windowAggregate } from './window-aggregate.ts';
import { type WindowStore, windowStore } from './window-store.ts';
import { windowedSerde } from './windowed-serde.ts';

type FoldOptions<K, A> = Materialized<K, A> & {
  readonly node?: string;
  /** How long after its beginning a window can be asked for; at least size and grace, which is the default. */
  readonly retentionMs?: number;
};

/** Records by key and window, to be folded into a table of windowed keys. */
export class TimeWindowedStream<K, V> {
  readonly #graph: DslGraph;
  readonly #windows: TimeWindows;
  readonly #serdes: SerdePair<K, V>;
  readonly #sourceFor: (storeName: string) => string;

  constructor(
    graph: DslGraph,
    windows: TimeWindows,
    serdes: SerdePair<K, V>,
    sourceFor: (storeName: string) => string,
  ) {
    this.#graph = graph;
    this.#windows = windows;
    this.#serdes = pairOf(serdes.key, serdes.value);
    this.#sourceFor = sourceFor;
  }

  count(options: FoldOptions<K, number> = {}): KTable<Windowed<K>, number> {
    const fold: Fold<K, V, number> = { initial: () => 0, add: (_key, _value, count) => count + 1 };
    return this.#fold('KSTREAM-AGGREGATE-', fold, { ...options, value: options.value ?? Serdes.long });
  }

  reduce(reducer: Reducer<V>, options: FoldOptions<K, V> = {}): KTable<Windowed<K>, V> {
    const fold: Fold<K, V, V> = { initial: null, add: (_key, value, aggregate) => reducer(aggregate, value) };
    return this.#fold('KSTREAM-REDUCE-', fold, { ...options, value: options.value ?? this.#serdes.value });
  }

  aggregate<A>(initial: Initializer<A>, add: Aggregator<K, V, A>, options: FoldOptions<K, A>): KTable<Windowed<K>, A> {
    return this.#fold('KSTREAM-AGGREGATE-', { initial, add }, options);
  }

  #fold<A>(prefix: string, fold: Fold<K, V, A>, options: FoldOptions<K, A>): KTable<Windowed<K>, A> {
    const { names } = this.#graph;
    const store = options.name ?? names.store(prefix);
    const node = names.given(options.node, prefix);
    const key = needSerde(options.key ?? this.#serdes.key, 'keys', node);
    const value = needSerde(options.value, 'values', node);
    const retentionMs = Math.max(options.retentionMs ?? 0, this.#windows.sizeMs + this.#windows.graceMs);
    this.#graph.addStore(windowStore({ name: store, key, value, kind: options.kind ?? 'level', retentionMs }));
    const old: OldValues = { areSent: false };
    const supplier = windowAggregate(store, this.#windows, fold, old);
    this.#graph.addProcessor(node, supplier, [this.#sourceFor(store)], [store]);
    return new KTable<Windowed<K>, A>(this.#graph, {
      key: windowedSerde(key, this.#windows.sizeMs),
      value,
      node,
      store: options.name,
      getter: (context) => {
        const windows = context.getStateStore<WindowStore<K, A>>(store);
        return (windowed) => windows.fetch(windowed.key, windowed.window.startMs);
      },
      getterStores: [store],
      graceMs: this.#windows.graceMs,
      sendOldValues() {
        old.areSent = true;
        return true;
      },
    });
  }
}
