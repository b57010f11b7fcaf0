import { Branching } from './branch.ts';
import { type DslGraph, type Named, pairOf } from './graph.ts';
import { GroupedStream } from './grouped-stream.ts';
import { REPARTITION_SUFFIX } from './names.ts';
import {
  filterStep,
  flatMapStep,
  flatMapValuesStep,
  type KeyValue,
  mapStep,
  mapValuesStep,
  type Predicate,
  passThrough,
  peekStep,
  type Supplier,
  selectKeyStep,
} from './operators.ts';
import type { Serde, SerdePair } from './serde.ts';

export interface Grouped<K, V> extends SerdePair<K, V> {
  /** Of the repartition topic, if one is needed. */
  readonly name?: string;
}

export interface Produced<K, V> extends SerdePair<K, V>, Named {}

interface StreamParts<K, V> extends SerdePair<K, V> {
  /** The node whose records these are. */
  readonly node: string;
  /** The key is another than that by which the topic is partitioned. */
  readonly keyChanged: boolean;
}

/**
 * Records one after the other, each on its own. Every call adds a node and returns the stream behind it; nothing runs. Keys and
 * values may be null where topics have them so; a step gets what is there.
 */
export class KStream<K, V> {
  readonly #graph: DslGraph;
  readonly #parts: StreamParts<K, V>;

  constructor(graph: DslGraph, parts: StreamParts<K, V>) {
    this.#graph = graph;
    this.#parts = parts;
  }

  filter(keeps: Predicate<K, V>, named: Named = {}): KStream<K, V> {
    return this.#same('KSTREAM-FILTER-', filterStep(keeps, false), named);
  }

  filterNot(drops: Predicate<K, V>, named: Named = {}): KStream<K, V> {
    return this.#same('KSTREAM-FILTER-', filterStep(drops, true), named);
  }

  map<K2, V2>(map: (key: K, value: V) => KeyValue<K2, V2>, named: Named & SerdePair<K2, V2> = {}): KStream<K2, V2> {
    return this.#step('KSTREAM-MAP-', mapStep(map), named, { ...pairOf(named.key, named.value), keyChanged: true });
  }

  mapValues<V2>(map: (value: V, key: K) => V2, named: Named & { value?: Serde<V2> } = {}): KStream<K, V2> {
    return this.#step('KSTREAM-MAPVALUES-', mapValuesStep(map), named, this.#withValue(named.value));
  }

  flatMap<K2, V2>(
    map: (key: K, value: V) => Iterable<KeyValue<K2, V2>>,
    named: Named & SerdePair<K2, V2> = {},
  ): KStream<K2, V2> {
    const parts = { ...pairOf(named.key, named.value), keyChanged: true };
    return this.#step('KSTREAM-FLATMAP-', flatMapStep(map), named, parts);
  }

  flatMapValues<V2>(
    map: (value: V, key: K) => Iterable<V2>,
    named: Named & { value?: Serde<V2> } = {},
  ): KStream<K, V2> {
    return this.#step('KSTREAM-FLATMAPVALUES-', flatMapValuesStep(map), named, this.#withValue(named.value));
  }

  selectKey<K2>(select: (key: K, value: V) => K2, named: Named & { key?: Serde<K2> } = {}): KStream<K2, V> {
    const parts = { ...pairOf(named.key, this.#parts.value), keyChanged: true };
    return this.#step('KSTREAM-KEY-SELECT-', selectKeyStep(select), named, parts);
  }

  peek(look: (key: K, value: V) => void, named: Named = {}): KStream<K, V> {
    return this.#same('KSTREAM-PEEK-', peekStep(look, false), named);
  }

  foreach(take: (key: K, value: V) => void, named: Named = {}): void {
    this.#same('KSTREAM-FOREACH-', peekStep(take, true), named);
  }

  /** Both, in the order in which they come. */
  merge(other: KStream<K, V>, named: Named = {}): KStream<K, V> {
    const name = this.#graph.names.given(named.name, 'KSTREAM-MERGE-');
    this.#graph.addProcessor(name, passThrough(), [this.#parts.node, other.#parts.node]);
    const keyChanged = this.#parts.keyChanged || other.#parts.keyChanged;
    return new KStream(this.#graph, { ...pairOf(this.#parts.key, this.#parts.value), node: name, keyChanged });
  }

  /** Each record goes to the first branch that takes it. */
  split(named: Named = {}): Branching<K, V> {
    const name = this.#graph.names.given(named.name, 'KSTREAM-BRANCH-');
    return new Branching(this.#graph, name, this.#parts.node, (node) => {
      return new KStream(this.#graph, { ...this.#parts, node });
    });
  }

  to(topic: string, produced: Produced<K, V> = {}): void {
    const name = this.#graph.names.given(produced.name, 'KSTREAM-SINK-');
    this.#graph.addSink(name, topic, this.#serdes(produced), this.#parts.node);
  }

  /** Through a topic of its own, whatever was done with the key. */
  repartition(options: Grouped<K, V> = {}): KStream<K, V> {
    const prefix = this.#graph.names.given(options.name, 'KSTREAM-REPARTITION-');
    const serdes = this.#serdes(options);
    const node = this.#graph.addRepartition(prefix.replace(REPARTITION_SUFFIX, ''), serdes, this.#parts.node);
    return new KStream(this.#graph, { ...serdes, node, keyChanged: false });
  }

  groupByKey(grouped: Grouped<K, V> = {}): GroupedStream<K, V> {
    const { node, keyChanged } = this.#parts;
    return new GroupedStream(this.#graph, { ...this.#serdes(grouped), node, keyChanged, name: grouped.name });
  }

  groupBy<K2>(select: (key: K, value: V) => K2, grouped: Grouped<K2, V> = {}): GroupedStream<K2, V> {
    const node = this.#graph.names.node('KSTREAM-KEY-SELECT-');
    this.#graph.addProcessor(node, selectKeyStep(select), [this.#parts.node]);
    const serdes = pairOf(grouped.key, grouped.value ?? this.#parts.value);
    return new GroupedStream(this.#graph, { ...serdes, node, keyChanged: true, name: grouped.name });
  }

  #serdes({ key, value }: SerdePair<K, V>): SerdePair<K, V> {
    return pairOf(key ?? this.#parts.key, value ?? this.#parts.value);
  }

  #withValue<V2>(value: Serde<V2> | undefined) {
    return { ...pairOf(this.#parts.key, value), keyChanged: this.#parts.keyChanged };
  }

  #same(prefix: string, supplier: Supplier, named: Named): KStream<K, V> {
    const { key, value, keyChanged } = this.#parts;
    return this.#step(prefix, supplier, named, { ...pairOf(key, value), keyChanged });
  }

  #step<K2, V2>(
    prefix: string,
    supplier: Supplier,
    named: Named,
    parts: Omit<StreamParts<K2, V2>, 'node'>,
  ): KStream<K2, V2> {
    const node = this.#graph.names.given(named.name, prefix);
    this.#graph.addProcessor(node, supplier, [this.#parts.node]);
    return new KStream<K2, V2>(this.#graph, { ...parts, node });
  }
}
