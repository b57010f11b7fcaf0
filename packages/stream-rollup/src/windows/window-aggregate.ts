import { assert } from '@tidemark/base';
import { type Fold, foldInto, NO_KEY, type OldValues } from '../dsl/aggregate.ts';
import type { Change } from '../dsl/change.ts';
import type { Supplier } from '../dsl/operators.ts';
import type { ProcessorContext } from '../processor/context.ts';
import type { TimeWindows, Windowed } from './time-windows.ts';
import type { WindowStore } from './window-store.ts';

// A stream folded by key and window. A window is over when the greatest time seen here lies `graceMs` or more behind its end; what
// comes for it then is left out and counted, window by window.
//
//   window [0, 60)  grace 30       taken ...................|over
//   stream time     0         60                            90

export const LATE = 'expired_window';

export function windowAggregate<K, V, A>(
  storeName: string,
  windows: TimeWindows,
  fold: Fold<K, V, A>,
  old: OldValues,
): Supplier {
  return () => {
    let context: ProcessorContext | undefined;
    let store: WindowStore<K, A> | undefined;
    return {
      init(given) {
        context = given;
        store = given.getStateStore<WindowStore<K, A>>(storeName);
      },
      process(record) {
        assert(context !== undefined && store !== undefined, 'init came first');
        if (record.key === null) return context.drop(NO_KEY);
        const key = record.key as K;
        store.observe(record.timestampMs);
        const closeMs = store.observedStreamTimeMs - windows.graceMs;
        for (const window of windows.windowsFor(record.timestampMs)) {
          if (window.endMs <= closeMs) {
            context.drop(LATE);
            continue;
          }
          const held = store.fetch(key, window.startMs);
          const { before, next } = foldInto(fold, key, record.value as V, held?.value);
          const timestampMs = held ? Math.max(record.timestampMs, held.timestampMs) : record.timestampMs;
          store.put(key, window.startMs, next, timestampMs);
          const windowed: Windowed<K> = { key, window };
          const value: Change<A> = { next, before: old.areSent ? before : null };
          context.forward({ ...record, key: windowed, value, timestampMs });
        }
      },
    };
  };
}
