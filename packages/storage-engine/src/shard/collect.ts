import { Columns } from '../chunk/columns.ts';
import type { ChunkTable } from '../head/chunk-table.ts';
import { matchSeries } from '../index/matcher-plan.ts';
import type { Window } from '../partition/window.ts';
import { LIFE_RANK, NEWEST_RANK } from '../read/chunk-ref.ts';
import type { Gathered, GatherRequest } from '../read/gather.ts';
import type { Shard } from './shard.ts';

/**
 * Adds what a shard has outside of segments. In one turn, so that it is one state of the shard: head entries are copied, chunks
 * are named. Windows named here stay until `gathered` is released.
 */
export function collectShard(shard: Shard, request: GatherRequest, gathered: Gathered): void {
  const tenant = shard.registry.tenant(request.tenant);
  if (tenant === undefined) return;
  const refs = matchSeries(tenant, request.matchers);
  const { startMs, endMs } = request.range;
  for (const window of shard.allWindows()) {
    if (window.startMs >= endMs || window.endMs <= startMs) continue;
    for (const what of window.damage) gathered.warnings.add(what);
    collectWindow(shard, window, refs, request, gathered);
  }
  collectHead(shard, refs, request, gathered);
  if (shard.head.outOfOrder.count > 0) collectOutOfOrder(shard, refs, request, gathered);
}

function collectWindow(
  shard: Shard,
  window: Window,
  refs: readonly number[],
  request: GatherRequest,
  gathered: Gathered,
): void {
  let retained = false;
  const memory = [...window.flushing, window.pending];
  for (const ref of refs) {
    retained = addChunks(shard, window, ref, window.table, undefined, request, gathered) || retained;
    for (const list of memory) addChunks(shard, window, ref, list.table, list.buffer, request, gathered);
  }
  if (retained) gathered.onRelease(window.retain());
}

function addChunks(
  shard: Shard,
  window: Window,
  ref: number,
  table: ChunkTable,
  bytes: Uint8Array | undefined,
  { range }: GatherRequest,
  gathered: Gathered,
): boolean {
  let added = false;
  for (let at = table.last(ref); at >= 0; at = table.previous[at] as number) {
    const minMs = table.minMs[at] as number;
    const maxMs = table.maxMs[at] as number;
    if (minMs >= range.endMs || maxMs < range.startMs) continue;
    added = true;
    gathered.of(shard.registry.labelBytes(ref)).chunks.push({
      source: bytes === undefined ? window : undefined,
      bytes,
      block: table.blocks[at] as number,
      offset: table.offsets[at] as number,
      length: table.lengths[at] as number,
      minMs,
      maxMs,
      samples: table.samples[at] as number,
      rank: window.sequence * LIFE_RANK + (table.ranks[at] as number),
    });
  }
  return added;
}

function collectHead(shard: Shard, refs: readonly number[], { range }: GatherRequest, gathered: Gathered): void {
  const { head, windows, windowMs } = shard;
  for (const ref of refs) {
    if (!head.holds(ref)) continue;
    const endMs = head.state.windowEndMs[ref] as number;
    if ((head.state.lastMs[ref] as number) < range.startMs || endMs - windowMs >= range.endMs) continue;
    const columns = new Columns(head.options.columnCount, 32);
    head.copySeries(ref, columns);
    if ((columns.timestampsMs[0] as number) >= range.endMs) continue;
    const sequence = windows.get(endMs - windowMs)?.at(-1)?.sequence ?? shard.nextSequence(endMs - windowMs);
    gathered
      .of(shard.registry.labelBytes(ref))
      .runs.push({ columns, from: 0, to: columns.length, rank: sequence * LIFE_RANK, rising: true });
  }
}

function collectOutOfOrder(shard: Shard, refs: readonly number[], { range }: GatherRequest, gathered: Gathered): void {
  const { outOfOrder } = shard.head;
  const wanted = new Map<number, Columns | undefined>(refs.map((ref) => [ref, undefined]));
  const times = outOfOrder.entries.timestampsMs;
  for (let i = 0; i < outOfOrder.count; i++) {
    const ref = outOfOrder.refAt(i);
    if (!wanted.has(ref) || (times[i] as number) < range.startMs || (times[i] as number) >= range.endMs) continue;
    let columns = wanted.get(ref);
    if (columns === undefined) {
      columns = new Columns(shard.head.options.columnCount, 8);
      wanted.set(ref, columns);
    }
    columns.addRange(outOfOrder.entries, i, i + 1);
  }
  for (const [ref, columns] of wanted) {
    if (columns === undefined) continue;
    gathered
      .of(shard.registry.labelBytes(ref))
      .runs.push({ columns, from: 0, to: columns.length, rank: NEWEST_RANK, rising: false });
  }
}
