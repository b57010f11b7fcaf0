import type { ProcessorContext } from '../processor/context.ts';
import type { TableStore, ValueAndTime } from '../state/table-store.ts';
import { tableStore } from '../state/table-store.ts';
import type { OldValues } from './aggregate.ts';
import type { Change } from './change.ts';
import { type DslGraph, type Materialized, type Named, pairOf } from './graph.ts';
import { GroupedTable } from './grouped-table.ts';
import { type KeyValue, mapValuesStep, type Predicate } from './operators.ts';
import { needSerde, type SerdePair } from './serde.ts';
import { KStream } from './stream.ts';
import { type Derive, deriveTable, selectPairs } from './table-operators.ts';

/** A table's value of a key, now. Made in the `init` of a processor that is connected to the table's stores. */
export type Getter<K, V> = (context: ProcessorContext) => (key: K) => ValueAndTime<V> | undefined;

export function storeGetter<K, V>(storeName: string): Getter<K, V> {
  return (context) => {
    const store = context.getStateStore<TableStore<K, V>>(storeName);
    return (key) => store.get(key);
  };
}

export interface TableParts<K, V> extends SerdePair<K, V> {
  readonly node: string;
  /** Set when the user named it: then it can be asked for. */
  readonly store: string | undefined;
  readonly getter: Getter<K, V>;
  readonly getterStores: readonly string[];
  /** Asks the node to say what was before. Without `force` only where that costs no store. Returns whether it will. */
  readonly sendOldValues: (force: boolean) => boolean;
}

/** What each key's value is now. Below it flow changes; null takes a key back. */
export class KTable<K, V> {
  readonly #graph: DslGraph;
  readonly #parts: TableParts<K, V>;

  constructor(graph: DslGraph, parts: TableParts<K, V>) {
    this.#graph = graph;
    this.#parts = parts;
  }

  /** The name of the store that can be asked for. */
  get queryableStoreName(): string | undefined {
    return this.#parts.store;
  }

  filter(keeps: Predicate<K, V>, options?: Materialized<K, V> & { node?: string }): KTable<K, V> {
    return this.#filter(keeps, false, options);
  }

  filterNot(drops: Predicate<K, V>, options?: Materialized<K, V> & { node?: string }): KTable<K, V> {
    return this.#filter(drops, true, options);
  }

  mapValues<V2>(
    map: (value: V, key: K) => V2 | null,
    options: Materialized<K, V2> & { node?: string } = {},
  ): KTable<K, V2> {
    const derive: Derive<K, V, V2> = { of: (key, value) => map(value, key), skipsNothing: false };
    return this.#derive('KTABLE-MAPVALUES-', derive, { ...options, key: options.key ?? this.#parts.key }, () => false);
  }

  toStream(named: Named = {}): KStream<K, V> {
    const node = this.#graph.names.given(named.name, 'KTABLE-TOSTREAM-');
    this.#graph.addProcessor(
      node,
      mapValuesStep((change: Change<V>) => change.next),
      [this.#parts.node],
    );
    return new KStream<K, V>(this.#graph, { ...pairOf(this.#parts.key, this.#parts.value), node, keyChanged: false });
  }

  /** By another key: each change takes away from one group what it adds to another. */
  groupBy<K2, V2>(
    select: (key: K, value: V) => KeyValue<K2, V2>,
    grouped: SerdePair<K2, V2> & Named = {},
  ): GroupedTable<K2, V2> {
    const node = this.#graph.names.given(grouped.name, 'KTABLE-SELECT-');
    this.#graph.addProcessor(node, selectPairs(select), [this.#parts.node]);
    this.#parts.sendOldValues(true);
    return new GroupedTable(this.#graph, { ...pairOf(grouped.key, grouped.value), node, name: grouped.name });
  }

  #filter(test: Predicate<K, V>, not: boolean, options: (Materialized<K, V> & { node?: string }) | undefined) {
    const derive: Derive<K, V, V> = {
      of: (key, value) => (test(key, value) !== not ? value : null),
      skipsNothing: true,
    };
    const { key, value } = this.#parts;
    const all = { ...options, key: options?.key ?? key, value: options?.value ?? value };
    // Where what was before comes for nothing, keys that never passed need not be taken back.
    return this.#derive('KTABLE-FILTER-', derive, all, () => this.#parts.sendOldValues(false));
  }

  #derive<V2>(
    prefix: string,
    derive: Derive<K, V, V2>,
    options: Materialized<K, V2> & { node?: string },
    oldValues: () => boolean,
  ): KTable<K, V2> {
    const node = this.#graph.names.given(options.node, prefix);
    const store = options.name;
    const old: OldValues = { areSent: oldValues() };
    if (store !== undefined) {
      const key = needSerde(options.key, 'keys', node);
      const value = needSerde(options.value, 'values', node);
      this.#graph.addStore(tableStore({ name: store, key, value, kind: options.kind ?? 'level' }));
    }
    this.#graph.addProcessor(node, deriveTable(derive, store, old), [this.#parts.node], store ? [store] : []);
    return new KTable<K, V2>(this.#graph, {
      ...pairOf(options.key, options.value),
      node,
      store,
      getter: store !== undefined ? storeGetter(store) : this.#derivedGetter(derive),
      getterStores: store !== undefined ? [store] : this.#parts.getterStores,
      sendOldValues: (force) => {
        if (store !== undefined || this.#parts.sendOldValues(force)) old.areSent = true;
        return old.areSent;
      },
    });
  }

  #derivedGetter<V2>(derive: Derive<K, V, V2>): Getter<K, V2> {
    return (context) => {
      const above = this.#parts.getter(context);
      return (key) => {
        const held = above(key);
        const value = held ? derive.of(key, held.value) : null;
        return held && value !== null ? { value, timestampMs: held.timestampMs } : undefined;
      };
    };
  }
}
