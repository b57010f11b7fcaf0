import { TidemarkError } from '@tidemark/base';
import type { ProcessorContext } from '../processor/context.ts';
import type { KeyValueKind } from '../state/durable-key-value.ts';
import { suppressBuffer } from '../state/suppress-buffer.ts';
import type { TableStore, ValueAndTime } from '../state/table-store.ts';
import { tableStore } from '../state/table-store.ts';
import { suppressUntilClosed } from '../windows/suppress.ts';
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
  /** Of a table of windows: how long behind their end they take records. */
  readonly graceMs?: number | undefined;
  /** Asks the node to say what was before. Without `force` only where that costs no store. Returns whether it will. */
  readonly sendOldValues: (force: boolean) => boolean;
}

export interface SuppressOptions extends Named {
  readonly kind?: KeyValueKind;
  /** Keys that may wait at a time; above it the task stops with `STATE_FULL`. */
  readonly keysMax?: number;
}

// 1 million: some 100 MB for their order.
const SUPPRESSED_KEYS_MAX = 1_000_000;

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

  /** Of a table of windows: nothing of a window before it is over, then its last value of each key. Throws `SUPPRESS_NO_WINDOWS`. */
  suppressUntilWindowCloses(options: SuppressOptions = {}): KTable<K, V> {
    const { names } = this.#graph;
    const node = options.name ?? names.node('KTABLE-SUPPRESS-');
    const store = options.name !== undefined ? `${options.name}-store` : names.store('KTABLE-SUPPRESS-');
    const { graceMs } = this.#parts;
    if (graceMs === undefined) {
      throw new TidemarkError('SUPPRESS_NO_WINDOWS', `${node} is to wait for windows, and the table above has none`, {
        node,
      });
    }
    const key = needSerde(this.#parts.key, 'keys', node);
    const value = needSerde(this.#parts.value, 'values', node);
    const { kind = 'level', keysMax = SUPPRESSED_KEYS_MAX } = options;
    this.#graph.addStore(suppressBuffer({ name: store, key, value, kind, keysMax }));
    this.#parts.sendOldValues(true);
    this.#graph.addProcessor(node, suppressUntilClosed(store, graceMs), [this.#parts.node], [store]);
    return new KTable<K, V>(this.#graph, { ...this.#parts, node, store: undefined, sendOldValues: () => true });
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
      graceMs: this.#parts.graceMs,
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
