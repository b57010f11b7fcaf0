import { tableStore } from '../state/table-store.ts';
import { SessionWindowedStream } from '../windows/session-windowed-stream.ts';
import { SessionWindows } from '../windows/session-windows.ts';
import type { TimeWindows } from '../windows/time-windows.ts';
import { TimeWindowedStream } from '../windows/windowed-stream.ts';
import {
  type Aggregator,
  type Fold,
  type Initializer,
  type OldValues,
  type Reducer,
  streamAggregate,
} from './aggregate.ts';
import { nullableSerde } from './change.ts';
import { type DslGraph, type Materialized, type Named, pairOf } from './graph.ts';
import { needSerde, type SerdePair, Serdes } from './serde.ts';
import { KTable, storeGetter } from './table.ts';

export interface GroupedParts<K, V> extends SerdePair<K, V> {
  readonly node: string;
  readonly keyChanged: boolean;
  readonly name: string | undefined;
}

/** Records by key, to be folded. Where the key was changed, they go by way of a repartition topic first. */
export class GroupedStream<K, V> {
  readonly #graph: DslGraph;
  readonly #parts: GroupedParts<K, V>;
  /** Behind the repartition topic that the user named: all folds share it. */
  #repartitioned: string | undefined;

  constructor(graph: DslGraph, parts: GroupedParts<K, V>) {
    this.#graph = graph;
    this.#parts = parts;
  }

  count(options: Materialized<K, number> & { node?: string } = {}): KTable<K, number> {
    const fold: Fold<K, V, number> = { initial: () => 0, add: (_key, _value, count) => count + 1 };
    return this.#fold('KSTREAM-AGGREGATE-', fold, { ...options, value: options.value ?? Serdes.long });
  }

  reduce(reducer: Reducer<V>, options: Materialized<K, V> & { node?: string } = {}): KTable<K, V> {
    const fold: Fold<K, V, V> = { initial: null, add: (_key, value, aggregate) => reducer(aggregate, value) };
    return this.#fold('KSTREAM-REDUCE-', fold, { ...options, value: options.value ?? this.#parts.value });
  }

  aggregate<A>(
    initial: Initializer<A>,
    add: Aggregator<K, V, A>,
    options: Materialized<K, A> & { node?: string },
  ): KTable<K, A> {
    return this.#fold('KSTREAM-AGGREGATE-', { initial, add }, options);
  }

  windowedBy(windows: TimeWindows): TimeWindowedStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedStream<K, V>;
  windowedBy(windows: TimeWindows | SessionWindows): TimeWindowedStream<K, V> | SessionWindowedStream<K, V> {
    if (windows instanceof SessionWindows) {
      return new SessionWindowedStream(this.#graph, windows, this.#parts, (storeName) => this.source(storeName));
    }
    return new TimeWindowedStream(this.#graph, windows, this.#parts, (storeName) => this.source(storeName));
  }

  /** The node from which a fold with this store takes its records. */
  source(storeName: string): string {
    const { node, keyChanged, name } = this.#parts;
    if (!keyChanged) return node;
    if (this.#repartitioned !== undefined) return this.#repartitioned;
    const value = needSerde(this.#parts.value, 'values', `the repartition of ${storeName}`);
    const serdes = pairOf(this.#parts.key, nullableSerde(value));
    const source = this.#graph.addRepartition(name ?? storeName, serdes, node);
    if (name !== undefined) this.#repartitioned = source;
    return source;
  }

  #fold<A>(prefix: string, fold: Fold<K, V, A>, options: Materialized<K, A> & Named & { node?: string }): KTable<K, A> {
    const { names } = this.#graph;
    const store = options.name ?? names.store(prefix);
    const node = names.given(options.node, prefix);
    const key = needSerde(options.key ?? this.#parts.key, 'keys', node);
    const value = needSerde(options.value, 'values', node);
    this.#graph.addStore(tableStore({ name: store, key, value, kind: options.kind ?? 'level' }));
    const old: OldValues = { areSent: false };
    this.#graph.addProcessor(node, streamAggregate(store, fold, old), [this.source(store)], [store]);
    return new KTable(this.#graph, {
      key,
      value,
      node,
      store: options.name,
      getter: storeGetter(store),
      getterStores: [store],
      sendOldValues() {
        old.areSent = true;
        return true;
      },
    });
  }
}
