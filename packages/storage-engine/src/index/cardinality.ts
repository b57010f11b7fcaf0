import { type Cardinality, type CardinalityRequest, METRIC_NAME } from '@tidemark/model';
import type { Turns } from '../read/turns.ts';
import type { TenantSeries } from '../series/registry.ts';
import type { Shard } from '../shard/shard.ts';
import { Largest } from './largest.ts';
import { unsealedOf } from './unsealed.ts';

// Counts a tenant's series by metric, label and pair, from the postings as they are: one label name at a time over all shards,
// so that at most one label's values are held twice, and only where several shards have the label. A series lies in one shard
// (partitioned by metric), so lengths of lists add up.

/** Throws the reason of the signal of `turns`. */
export async function countCardinality(
  allShards: Iterable<Shard>,
  request: CardinalityRequest,
  turns: Turns,
): Promise<Cardinality> {
  const shards: Shard[] = [];
  const indexes: TenantSeries[] = [];
  for (const shard of allShards) {
    const index = shard.tier === 'raw' ? shard.registry.tenant(request.tenant) : undefined;
    if (index === undefined) continue;
    shards.push(shard);
    indexes.push(index);
  }
  const names = new Set<string>();
  for (const index of indexes) for (const name of index.names()) names.add(name);

  const tops = () => new Largest(request.limit);
  const [byMetric, values, bytes, pairs] = [tops(), tops(), tops(), tops()];
  let labelPairs = 0;
  for (const name of names) {
    let distinct = 0;
    let valueBytes = 0;
    for (const [value, series] of seriesByValue(indexes, name)) {
      if (turns.due()) await turns.take();
      distinct++;
      valueBytes += Buffer.byteLength(value) * series;
      pairs.offer(series, () => `${name}=${value}`);
      if (name === METRIC_NAME) byMetric.offer(series, () => value);
    }
    labelPairs += distinct;
    values.offer(distinct, () => name);
    bytes.offer(valueBytes, () => name);
  }
  return {
    ...(await unsealedOf(shards, indexes, turns)),
    series: indexes.reduce((sum, index) => sum + index.count, 0),
    labelPairs,
    seriesByMetric: byMetric.sorted(),
    valuesByLabel: values.sorted(),
    bytesByLabel: bytes.sorted(),
    seriesByPair: pairs.sorted(),
  };
}

/** Each value of a label with its number of series, over all indexes. Series that come meanwhile may or may not be counted. */
function* seriesByValue(indexes: readonly TenantSeries[], name: string): Iterable<readonly [string, number]> {
  const found = indexes.flatMap((index) => index.postings(name) ?? []);
  const [only] = found;
  if (only !== undefined && found.length === 1) {
    yield* only.counts();
    return;
  }
  const sums = new Map<string, number>();
  for (const postings of found) {
    for (const [value, series] of postings.counts()) sums.set(value, (sums.get(value) ?? 0) + series);
  }
  yield* sums;
}
