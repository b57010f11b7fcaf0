import type { Aggregator, Initializer, OldValues } from '../dsl/aggregate.ts';
import { type DslGraph, type Materialized, pairOf } from '../dsl/graph.ts';
import { needSerde, type SerdePair, Serdes } from '../dsl/serde.ts';
import { KTable } from '../dsl/table.ts';
import { type Merger, type SessionFold, sessionAggregate } from './session-aggregate.ts';
import { type SessionStore, sessionStore } from './session-store.ts';
import type { SessionWindows } from './session-windows.ts';
import type { Windowed } from './time-windows.ts';
import { sessionWindowedSerde } from './windowed-serde.ts';

type FoldOptions<K, A> = Materialized<K, A> & { readonly node?: string };

/** Records by key and session, to be folded into a table of windowed keys; the end of a window is its last record. */
export class SessionWindowedStream<K, V> {
  readonly #graph: DslGraph;
  readonly #windows: SessionWindows;
  readonly #serdes: SerdePair<K, V>;
  readonly #sourceFor: (storeName: string) => string;

  constructor(
    graph: DslGraph,
    windows: SessionWindows,
    serdes: SerdePair<K, V>,
    sourceFor: (storeName: string) => string,
  ) {
    this.#graph = graph;
    this.#windows = windows;
    this.#serdes = pairOf(serdes.key, serdes.value);
    this.#sourceFor = sourceFor;
  }

  count(options: FoldOptions<K, number> = {}): KTable<Windowed<K>, number> {
    const sessions: SessionFold<K, V, number> = {
      fold: { initial: () => 0, add: (_key, _value, count) => count + 1 },
      merge: (_key, a, b) => a + b,
    };
    return this.#fold('KSTREAM-AGGREGATE-', sessions, { ...options, value: options.value ?? Serdes.long });
  }

  reduce(reducer: (a: V, b: V) => V, options: FoldOptions<K, V> = {}): KTable<Windowed<K>, V> {
    const sessions: SessionFold<K, V, V> = {
      fold: { initial: null, add: (_key, value, aggregate) => reducer(aggregate, value) },
      merge: (_key, a, b) => reducer(a, b),
    };
    return this.#fold('KSTREAM-REDUCE-', sessions, { ...options, value: options.value ?? this.#serdes.value });
  }

  aggregate<A>(
    initial: Initializer<A>,
    add: Aggregator<K, V, A>,
    merge: Merger<K, A>,
    options: FoldOptions<K, A>,
  ): KTable<Windowed<K>, A> {
    return this.#fold('KSTREAM-AGGREGATE-', { fold: { initial, add }, merge }, options);
  }

  #fold<A>(prefix: string, sessions: SessionFold<K, V, A>, options: FoldOptions<K, A>): KTable<Windowed<K>, A> {
    const { names } = this.#graph;
    const { gapMs, graceMs } = this.#windows;
    const store = options.name ?? names.store(prefix);
    const node = names.given(options.node, prefix);
    const key = needSerde(options.key ?? this.#serdes.key, 'keys', node);
    const value = needSerde(options.value, 'values', node);
    const kind = options.kind ?? 'level';
    this.#graph.addStore(sessionStore({ name: store, key, value, kind, retentionMs: gapMs + graceMs }));
    const old: OldValues = { areSent: false };
    const supplier = sessionAggregate(store, this.#windows, sessions, old);
    this.#graph.addProcessor(node, supplier, [this.#sourceFor(store)], [store]);
    return new KTable<Windowed<K>, A>(this.#graph, {
      key: sessionWindowedSerde(key),
      value,
      node,
      store: options.name,
      getter: (context) => {
        const held = context.getStateStore<SessionStore<K, A>>(store);
        return ({ key: inner, window: { startMs, endMs } }) => {
          const found = held.findSessions(inner, endMs, startMs).find((each) => each.endMs === endMs);
          return found && { value: found.value, timestampMs: endMs };
        };
      },
      getterStores: [store],
      graceMs: gapMs + graceMs,
      sendOldValues() {
        old.areSent = true;
        return true;
      },
    });
  }
}
