import { assert } from '@tidemark/base';
import { type Fold, foldInto, NO_KEY, type OldValues } from '../dsl/aggregate.ts';
import type { Change } from '../dsl/change.ts';
import type { Supplier } from '../dsl/operators.ts';
import type { ProcessorContext } from '../processor/context.ts';
import type { SessionStore } from './session-store.ts';
import type { SessionWindows } from './session-windows.ts';
import type { Windowed } from './time-windows.ts';
import { LATE } from './window-aggregate.ts';

// A stream folded by key and session. A record joins all sessions within the gap of it into one; those are taken back, the new one
// is sent, with its last record's time.
//
//   |--a--|      |--b--|
//            x                within the gap of both: |------- a, b, x -------|

export type Merger<K, A> = (key: K, a: A, b: A) => A;

export interface SessionFold<K, V, A> {
  readonly fold: Fold<K, V, A>;
  readonly merge: Merger<K, A>;
}

export function sessionAggregate<K, V, A>(
  storeName: string,
  windows: SessionWindows,
  { fold, merge }: SessionFold<K, V, A>,
  old: OldValues,
): Supplier {
  return () => {
    let context: ProcessorContext | undefined;
    let store: SessionStore<K, A> | undefined;
    return {
      init(given) {
        context = given;
        store = given.getStateStore<SessionStore<K, A>>(storeName);
      },
      process(record) {
        assert(context !== undefined && store !== undefined, 'init came first');
        if (record.key === null) return context.drop(NO_KEY);
        const key = record.key as K;
        const { timestampMs, headers } = record;
        store.observe(timestampMs);
        const closeMs = store.observedStreamTimeMs - windows.graceMs - windows.gapMs;
        const merged = store.findSessions(key, timestampMs - windows.gapMs, timestampMs + windows.gapMs);
        let startMs = timestampMs;
        let endMs = timestampMs;
        let held = fold.initial ? fold.initial() : undefined;
        for (const session of merged) {
          startMs = Math.min(startMs, session.startMs);
          endMs = Math.max(endMs, session.endMs);
          held = held === undefined ? session.value : merge(key, held, session.value);
        }
        if (endMs < closeMs) return context.drop(LATE);
        const send = (window: Windowed<K>['window'], next: A | null, before: A | null) => {
          const value: Change<A> = { next, before: old.areSent ? before : null };
          const windowed: Windowed<K> = { key, window };
          context?.forward({ key: windowed, value, timestampMs: window.endMs, headers });
        };
        // A session of the same bounds is written over, not taken back.
        const isSame = startMs === timestampMs && endMs === timestampMs;
        const { next } = foldInto(fold, key, record.value as V, held);
        store.replace(key, merged, next === null ? null : { startMs, endMs, value: next });
        if (!isSame) for (const each of merged) send({ startMs: each.startMs, endMs: each.endMs }, null, each.value);
        send({ startMs, endMs }, next, null);
      },
    };
  };
}
