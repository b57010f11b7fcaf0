import { Columns } from '../chunk/columns.ts';
import type { ChunkTable } from '../head/chunk-table.ts';
import type { Turns } from '../read/turns.ts';
import type { TenantSeries } from '../series/registry.ts';
import type { Shard } from '../shard/shard.ts';

// How much of a tenant waits to be sealed, and of which time.
//
//   head: a run per series that has one        windows: chunks, pending, being written, written

export interface Unsealed {
  readonly chunks: number;
  readonly range: { readonly oldestMs: number; readonly newestMs: number } | undefined;
}

// Runs whose first sample must be unpacked to be known; of the others the beginning of their window is taken. 4,096 take some
// milliseconds. What came out of order and waits for the next checkpoint is not looked at.
const UNPACKED_MAX = 4096;

/** Throws the reason of the signal of `turns`. */
export async function unsealedOf(
  shards: readonly Shard[],
  indexes: readonly TenantSeries[],
  turns: Turns,
): Promise<Unsealed> {
  let chunks = 0;
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = Number.NEGATIVE_INFINITY;
  const include = (from: number, to: number) => {
    chunks++;
    oldestMs = Math.min(oldestMs, from);
    newestMs = Math.max(newestMs, to);
  };
  let unpacked = 0;
  for (const [i, shard] of shards.entries()) {
    const scratch = new Columns(shard.head.options.columnCount, 0);
    let tables = tablesOf(shard);
    for (const ref of (indexes[i] as TenantSeries).refs()) {
      if (turns.due()) {
        await turns.take();
        // A checkpoint may have moved chunks from one table to another.
        tables = tablesOf(shard);
      }
      if (shard.head.holds(ref)) {
        const startMs = shard.head.windowStartMs(ref);
        // Only a run that may begin before all others is worth a look.
        const exact = startMs < oldestMs && unpacked++ < UNPACKED_MAX;
        include(exact ? firstOfRun(shard, ref, scratch) : startMs, shard.head.lastMs(ref));
      }
      for (const table of tables) {
        for (let at = table.last(ref); at >= 0; at = table.previous(at)) {
          include(table.minMs(at), table.maxMs(at));
        }
      }
    }
  }
  return { chunks, range: chunks === 0 ? undefined : { oldestMs, newestMs } };
}

function firstOfRun({ head }: Shard, ref: number, scratch: Columns): number {
  scratch.reset();
  head.copySeries(ref, scratch);
  return scratch.timestampsMs[0] as number;
}

function tablesOf(shard: Shard): ChunkTable[] {
  const tables: ChunkTable[] = [];
  for (const window of shard.allWindows()) {
    for (const table of [window.table, window.pending.table, ...window.flushing.map((list) => list.table)]) {
      if (table.count > 0) tables.push(table);
    }
  }
  return tables;
}
