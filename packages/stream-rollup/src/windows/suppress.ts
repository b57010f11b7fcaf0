import { assert } from '@tidemark/base';
import type { Change } from '../dsl/change.ts';
import type { Supplier } from '../dsl/operators.ts';
import type { ProcessorContext } from '../processor/context.ts';
import type { SuppressBuffer } from '../state/suppress-buffer.ts';
import type { Windowed } from './time-windows.ts';

/**
 * Holds back the changes of a window until it is over, then sends the last of each key: one result a window, never taken back. What
 * was taken back meanwhile is not sent.
 */
export function suppressUntilClosed<K, V>(storeName: string, graceMs: number): Supplier {
  return () => {
    let context: ProcessorContext | undefined;
    let buffer: SuppressBuffer<Windowed<K>, V> | undefined;
    return {
      init(given) {
        context = given;
        buffer = given.getStateStore<SuppressBuffer<Windowed<K>, V>>(storeName);
      },
      process(record) {
        assert(context !== undefined && buffer !== undefined, 'init came first');
        buffer.observedStreamTimeMs = Math.max(buffer.observedStreamTimeMs, record.timestampMs);
        const key = record.key as Windowed<K>;
        const { timestampMs } = record;
        buffer.put(key.window.endMs, { key, change: record.value as Change<V>, timestampMs });
        for (const due of buffer.take(buffer.observedStreamTimeMs - graceMs)) {
          if (due.change.next === null) continue;
          context.forward({ ...record, key: due.key, value: due.change, timestampMs: due.timestampMs });
        }
      },
    };
  };
}
