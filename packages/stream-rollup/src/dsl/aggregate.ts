import { assert } from '@tidemark/base';
import type { ProcessorContext } from '../processor/context.ts';
import type { TableStore } from '../state/table-store.ts';
import type { Change } from './change.ts';
import type { Supplier } from './operators.ts';

// A stream folded into a table: for each record the key's aggregate is read, changed, kept and sent on, with the greatest time of the
// records in it.

export type Initializer<A> = () => A;
export type Aggregator<K, V, A> = (key: K, value: V, aggregate: A) => A | null;
export type Reducer<V> = (aggregate: V, value: V) => V | null;

/** One law for aggregate, count and reduce. */
export interface Fold<K, V, A> {
  /** Null: the first value is the aggregate. */
  readonly initial: Initializer<A> | null;
  readonly add: Aggregator<K, V, A>;
}

export interface FoldResult<A> {
  readonly before: A | null;
  readonly next: A | null;
}

/** The aggregate after one more value. */
export function foldInto<K, V, A>(fold: Fold<K, V, A>, key: K, value: V, held: A | undefined): FoldResult<A> {
  if (held !== undefined) return { before: held, next: fold.add(key, value, held) };
  // As Kafka Streams has it: what an aggregate began with counts as what it was before.
  if (fold.initial) {
    const initial = fold.initial();
    return { before: initial, next: fold.add(key, value, initial) };
  }
  // A reduction has values of one type.
  return { before: null, next: value as unknown as A };
}

/** Whether those below need to know what was before; decided while the topology is built. */
export interface OldValues {
  areSent: boolean;
}

export const NO_KEY_OR_VALUE = 'null_key_or_value';
export const NO_KEY = 'null_key';

export function streamAggregate<K, V, A>(storeName: string, fold: Fold<K, V, A>, old: OldValues): Supplier {
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
        if (record.key === null || record.value === null) return context.drop(NO_KEY_OR_VALUE);
        // What flows here is what the grouped stream's types say.
        const key = record.key as K;
        const held = store.get(key);
        const { before, next } = foldInto(fold, key, record.value as V, held?.value);
        const timestampMs = held ? Math.max(record.timestampMs, held.timestampMs) : record.timestampMs;
        store.put(key, next, timestampMs);
        const value: Change<A> = { next, before: old.areSent ? before : null };
        context.forward({ ...record, value, timestampMs });
      },
    };
  };
}
