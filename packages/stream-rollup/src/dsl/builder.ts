import { tableStore } from '../state/table-store.ts';
import type { Topology } from '../topology/topology.ts';
import type { OldValues } from './aggregate.ts';
import { DslGraph, type Materialized, type Named, pairOf, type TimestampExtractor } from './graph.ts';
import { needSerde, type SerdePair } from './serde.ts';
import { KStream } from './stream.ts';
import { KTable, storeGetter } from './table.ts';
import { type KeptSource, tableSource } from './table-operators.ts';

// Where a topology of streams and tables begins:
//
//   const builder = new StreamsBuilder();
//   builder.stream('words', { key: Serdes.string, value: Serdes.string })
//     .groupBy((_key, word) => word, { key: Serdes.string })
//     .count({ name: 'counts' })
//     .toStream()
//     .to('word-counts');
//   const topology = builder.build();      for startStreams, or for a TopologyTestDriver

export interface Consumed<K, V> extends SerdePair<K, V>, Named {
  /** By default the time in the header `event-time`; without that, when the log took the record. */
  readonly timestampExtractor?: TimestampExtractor<V>;
}

export class StreamsBuilder {
  readonly #graph = new DslGraph();

  /** Throws `DSL_SERDE_MISSING`. A topic may be read once in a topology. */
  stream<K, V>(topics: string | readonly string[], consumed: Consumed<K, V>): KStream<K, V> {
    const node = this.#graph.names.given(consumed.name, 'KSTREAM-SOURCE-');
    const list = typeof topics === 'string' ? [topics] : topics;
    this.#graph.addSource(node, list, consumed, consumed.timestampExtractor);
    return new KStream<K, V>(this.#graph, { ...pairOf(consumed.key, consumed.value), node, keyChanged: false });
  }

  /** The topic's last value of each key; null takes a key back. The store is left out where nothing needs it. */
  table<K, V>(topic: string, consumed: Consumed<K, V>, materialized: Materialized<K, V> = {}): KTable<K, V> {
    const { names } = this.#graph;
    const store = materialized.name ?? names.store(`${topic}-`);
    const source = names.given(consumed.name && `${consumed.name}-source`, 'KSTREAM-SOURCE-');
    const node = names.given(consumed.name, 'KTABLE-SOURCE-');
    this.#graph.addSource(source, [topic], consumed, consumed.timestampExtractor);
    const kept: KeptSource = { store, isKept: materialized.name !== undefined };
    const old: OldValues = { areSent: false };
    const key = needSerde(materialized.key ?? consumed.key, 'keys', node);
    const value = needSerde(materialized.value ?? consumed.value, 'values', node);
    const builder = tableStore({ name: store, key, value, kind: materialized.kind ?? 'level' });
    this.#graph.addStore(builder, () => kept.isKept);
    this.#graph.addProcessor(node, tableSource(kept, old), [source], [store]);
    return new KTable<K, V>(this.#graph, {
      key,
      value,
      node,
      store: materialized.name,
      getter: storeGetter(store),
      getterStores: [store],
      sendOldValues(force) {
        if (!force && !kept.isKept) return false;
        kept.isKept = true;
        old.areSent = true;
        return true;
      },
    });
  }

  /** Throws `TOPOLOGY_INVALID`. Nothing may be added afterwards. */
  build(): Topology {
    return this.#graph.build();
  }
}
