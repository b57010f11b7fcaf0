import type { Log } from '@tidemark/log';
import type { StorageEngine } from '@tidemark/storage-engine';

// GET /api/v1/status/storage: where the bytes are, tier by tier, and how far storage is behind the log. Not Prometheus'.

export interface StorageStatusParts {
  readonly engine: StorageEngine;
  readonly log: Log;
  readonly retentionMs: Readonly<Record<string, number>>;
}

/** Of all tenants. Times are unix ms. */
export function storageStatus({ engine, log, retentionMs }: StorageStatusParts) {
  return async () => {
    const { tiers, shards, seriesByTenant } = engine.stats();
    const active = engine.activeSeries();
    const topics = [...new Set(shards.map(({ topic }) => topic))];
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, end } of await log.bounds(topic)) ends.set(`${topic}/${partition}`, end);
    }
    return {
      tiers: Object.fromEntries(
        Object.entries(tiers).map(([tier, { range, ...sizes }]) => [
          tier,
          {
            ...sizes,
            oldestMs: range?.startMs ?? null,
            newestMs: range?.endMs ?? null,
            retentionMs: retentionMs[tier] ?? null,
          },
        ]),
      ),
      seriesByTenant: [...seriesByTenant].map(([tenant, series]) => ({
        tenant,
        series,
        activeSeries: active.get(tenant) ?? 0,
      })),
      partitions: shards.map(({ topic, partition, tier, position, durablePosition, damagedWindows }) => {
        const end = ends.get(`${topic}/${partition}`) ?? position;
        return {
          topic,
          partition,
          tier,
          // Offsets of the log: where it ends, through where storage has it in memory, and on disk.
          end,
          position,
          durablePosition,
          lag: Math.max(0, end - position),
          damagedWindows,
        };
      }),
    };
  };
}
