import { assert } from '@tidemark/base';
import type { ProcessorContext } from '../processor/context.ts';
import { type TableStore, tableStore } from '../state/table-store.ts';
import { type Aggregator, type Initializer, NO_KEY, type OldValues, type Reducer } from './aggregate.ts';
import { type Change, changeSerde } from './change.ts';
import { type DslGraph, type Materialized, pairOf } from './graph.ts';
import { REPARTITION_SUFFIX } from './names.ts';
import type { Supplier } from './operators.ts';
import { needSerde, type SerdePair, Serdes } from './serde.ts';
import { KTable, storeGetter } from './table.ts';

interface GroupedTableParts<K, V> extends SerdePair<K, V> {
  readonly node: string;
  readonly name: string | undefined;
}

/** What is done with a value that comes to a group and with one that leaves it. */
interface TableFold<K, V, A> {
  /** Null: the first value is the aggregate. */
  readonly initial: Initializer<A> | null;
  readonly add: Aggregator<K, V, A>;
  readonly subtract: Aggregator<K, V, A>;
}

type FoldOptions<K, A> = Materialized<K, A> & { readonly node?: string };

/** A table's values by another key, to be folded. They always go by way of a repartition topic. */
export class GroupedTable<K, V> {
  readonly #graph: DslGraph;
  readonly #parts: GroupedTableParts<K, V>;
  #repartitioned: string | undefined;

  constructor(graph: DslGraph, parts: GroupedTableParts<K, V>) {
    this.#graph = graph;
    this.#parts = parts;
  }

  count(options: FoldOptions<K, number> = {}): KTable<K, number> {
    const fold: TableFold<K, V, number> = {
      initial: () => 0,
      add: (_key, _value, count) => count + 1,
      subtract: (_key, _value, count) => count - 1,
    };
    return this.#fold('KTABLE-AGGREGATE-', fold, { ...options, value: options.value ?? Serdes.long });
  }

  reduce(add: Reducer<V>, subtract: Reducer<V>, options: FoldOptions<K, V> = {}): KTable<K, V> {
    const fold: TableFold<K, V, V> = {
      initial: null,
      add: (_key, value, aggregate) => add(aggregate, value),
      subtract: (_key, value, aggregate) => subtract(aggregate, value),
    };
    return this.#fold('KTABLE-REDUCE-', fold, { ...options, value: options.value ?? this.#parts.value });
  }

  aggregate<A>(
    initial: Initializer<A>,
    add: Aggregator<K, V, A>,
    subtract: Aggregator<K, V, A>,
    options: FoldOptions<K, A>,
  ): KTable<K, A> {
    return this.#fold('KTABLE-AGGREGATE-', { initial, add, subtract }, options);
  }

  #fold<A>(prefix: string, fold: TableFold<K, V, A>, options: FoldOptions<K, A>): KTable<K, A> {
    const { names } = this.#graph;
    // Of reductions too: Kafka Streams calls the stores of both so.
    const store = options.name ?? names.store('KTABLE-AGGREGATE-');
    const sink = names.given(options.node && `${options.node}-sink`, 'KSTREAM-SINK-');
    const source = names.given(options.node && `${options.node}-source`, 'KSTREAM-SOURCE-');
    const node = names.given(options.node, prefix);
    const key = needSerde(options.key ?? this.#parts.key, 'keys', node);
    const value = needSerde(options.value, 'values', node);
    this.#graph.addStore(tableStore({ name: store, key, value, kind: options.kind ?? 'level' }));
    const old: OldValues = { areSent: false };
    this.#graph.addProcessor(node, tableAggregate(store, fold, old), [this.#source(store, sink, source)], [store]);
    return new KTable(this.#graph, {
      ...pairOf(key, value),
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

  #source(store: string, sink: string, source: string): string {
    if (this.#repartitioned !== undefined) return this.#repartitioned;
    const { key, value, node, name } = this.#parts;
    const topic = `${name ?? store}${REPARTITION_SUFFIX}`;
    const changes = changeSerde(needSerde(value, 'values', topic));
    this.#graph.addInternalTopic(sink, source, topic, pairOf(key, changes), node);
    if (name !== undefined) this.#repartitioned = source;
    return source;
  }
}

function tableAggregate<K, V, A>(storeName: string, fold: TableFold<K, V, A>, old: OldValues): Supplier {
  return () => {
    let context: ProcessorContext | undefined;
    let store: TableStore<K, A> | undefined;
    return {
      init(given) {
        context = given;
        store = given.getStateStore<TableStore<K, A>>(storeName);
      },
      process(record) {
        assert(context !== undefined && store !== undefined, 'init came first');
        if (record.key === null) return context.drop(NO_KEY);
        const key = record.key as K;
        const { next, before } = record.value as Change<V>;
        const held = store.get(key);
        let aggregate: A | null = held?.value ?? null;
        let timestampMs = record.timestampMs;
        const raise = () => {
          if (held) timestampMs = Math.max(timestampMs, held.timestampMs);
        };
        if (before !== null && aggregate !== null) {
          aggregate = fold.subtract(key, before, aggregate);
          raise();
        }
        if (next !== null) {
          if (aggregate !== null || fold.initial) {
            aggregate = fold.add(key, next, aggregate ?? (fold.initial as Initializer<A>)());
            raise();
          } else {
            // A reduction has values of one type.
            aggregate = next as unknown as A;
          }
        }
        store.put(key, aggregate, timestampMs);
        const value: Change<A> = { next: aggregate, before: old.areSent ? (held?.value ?? null) : null };
        context.forward({ ...record, value, timestampMs });
      },
    };
  };
}
