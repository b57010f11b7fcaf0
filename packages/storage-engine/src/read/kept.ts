import { metricNameOf, type Retention, type SelectRequest, type TimeRange } from '@tidemark/model';
import type { Tier } from '../head/resolve.ts';
import type { Shard } from '../shard/shard.ts';
import type { LabelOwner } from './chunk-ref.ts';

// What is past its time is not answered, be it removed already or not: no answer has half of it. Where all that a request may find
// is kept for as long, its range begins later; else each series has a range of its own.

export interface Kept {
  /** Of everything that may be found. */
  readonly range: TimeRange;
  /** Of a series; absent: the same for all. */
  readonly rangeOf: ((owner: LabelOwner, ref: number) => TimeRange) | undefined;
}

export function keptRange(shards: Iterable<Shard>, tier: Tier, request: SelectRequest, retention: Retention): Kept {
  const { tenant, matchers, range } = request;
  const some = [...shards].filter((shard) => shard.tier === tier);
  const clip = (keptMs: number): TimeRange => {
    const startMs = Math.max(range.startMs, Math.min(...some.map((shard) => shard.answersFrom(keptMs))));
    return some.length === 0 || startMs === range.startMs ? range : { ...range, startMs };
  };
  const { leastMs, mostMs } = retention.ofMatchers(tenant, matchers, tier);
  const widest = clip(mostMs);
  if (leastMs === mostMs || clip(leastMs) === range) return { range: widest, rangeOf: undefined };
  const ranges = new Map<number, TimeRange>([[mostMs, widest]]);
  return {
    range: widest,
    rangeOf(owner, ref) {
      const keptMs = retention.of(tenant, metricNameOf(owner.labelBytes(ref)), tier);
      let own = ranges.get(keptMs);
      if (own === undefined) {
        own = clip(keptMs);
        ranges.set(keptMs, own);
      }
      return own;
    },
  };
}
