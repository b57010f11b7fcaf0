import { assert } from '@tidemark/base';
import type { ProcessorContext } from '../processor/context.ts';
import type { TableStore } from '../state/table-store.ts';
import { NO_KEY, type OldValues } from './aggregate.ts';
import type { Change } from './change.ts';
import type { KeyValue, Supplier } from './operators.ts';

// The steps of a table: changes in, changes out.

/** From a value of the table above to one of this. */
export interface Derive<K, V, V2> {
  readonly of: (key: K, value: V) => V2 | null;
  /** Whether a key that was not there and is not there is nothing to say (filters, where what was before is known). */
  readonly skipsNothing: boolean;
}

/** Whether the store of a source table is kept; decided while the topology is built. */
export interface KeptSource {
  readonly store: string;
  isKept: boolean;
}

/** The source of a table. */
export function tableSource<K, V>(source: KeptSource, old: OldValues): Supplier {
  return () => {
    let context: ProcessorContext | undefined;
    let store: TableStore<K, V> | undefined;
    return {
      init(given) {
        context = given;
        if (source.isKept) store = given.getStateStore<TableStore<K, V>>(source.store);
      },
      process(record) {
        assert(context !== undefined, 'init came first');
        if (record.key === null) return context.drop(NO_KEY);
        const key = record.key as K;
        const next = record.value as V | null;
        const before = old.areSent ? (store?.get(key)?.value ?? null) : null;
        store?.put(key, next, record.timestampMs);
        const value: Change<V> = { next, before };
        context.forward({ ...record, value });
      },
    };
  };
}

export function deriveTable<K, V, V2>(
  derive: Derive<K, V, V2>,
  storeName: string | undefined,
  old: OldValues,
): Supplier {
  const of = (key: K, value: V | null) => (value === null ? null : derive.of(key, value));
  return () => {
    let context: ProcessorContext | undefined;
    let store: TableStore<K, V2> | undefined;
    return {
      init(given) {
        context = given;
        if (storeName !== undefined) store = given.getStateStore<TableStore<K, V2>>(storeName);
      },
      process(record) {
        assert(context !== undefined, 'init came first');
        const key = record.key as K;
        const change = record.value as Change<V>;
        const next = of(key, change.next);
        const held = () => (store ? (store.get(key)?.value ?? null) : of(key, change.before));
        const before = old.areSent ? held() : null;
        if (derive.skipsNothing && old.areSent && before === null && next === null) return;
        store?.put(key, next, record.timestampMs);
        const value: Change<V2> = { next, before };
        context.forward({ ...record, value });
      },
    };
  };
}

/** Changes of one key as changes of the groups that its values belong to: first what goes, then what comes. */
export function selectPairs<K, V, K2, V2>(select: (key: K, value: V) => KeyValue<K2, V2>): Supplier {
  const pairOf = (key: K, value: V | null) => {
    const pair = value === null ? null : select(key, value);
    return pair && pair[0] !== null && pair[1] !== null ? pair : null;
  };
  return () => {
    let context: ProcessorContext | undefined;
    return {
      init(given) {
        context = given;
      },
      process(record) {
        assert(context !== undefined, 'init came first');
        const key = record.key as K;
        const change = record.value as Change<V>;
        const next = pairOf(key, change.next);
        const before = pairOf(key, change.before);
        const send = (to: K2, value: Change<V2>) => context?.forward({ ...record, key: to, value });
        if (next && before && isSameKey(next[0], before[0]))
          return void send(next[0], { next: next[1], before: before[1] });
        if (before) send(before[0], { next: null, before: before[1] });
        if (next) send(next[0], { next: next[1], before: null });
      },
    };
  };
}

/** By content: keys may be objects made anew by each call. */
function isSameKey(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  return JSON.stringify(a) === JSON.stringify(b);
}
