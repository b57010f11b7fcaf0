import type { Log } from '@tidemark/log';
import type { StorageEngine } from '@tidemark/storage-engine';

// GET /api/v1/status/walreplay, in Prometheus' shape: how far what was acknowledged is read again. Here the log is read, and what is
// counted are its records, of all partitions together; the end is what storage has read when there is nothing left.

export function replayStatus({ engine, log }: { readonly engine: StorageEngine; readonly log: Log }) {
  return async () => {
    const { shards } = engine.stats();
    let [max, current] = [0, 0];
    for (const topic of new Set(shards.map((shard) => shard.topic))) {
      const positions = new Map(shards.flatMap((one) => (one.topic === topic ? [[one.partition, one.position]] : [])));
      for (const { partition, end } of await log.bounds(topic)) {
        const position = positions.get(partition);
        if (position === undefined) continue;
        max += end;
        current += Math.min(position, end);
      }
    }
    return { min: 0, max, current };
  };
}
