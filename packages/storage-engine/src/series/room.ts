// How long the arrays by series of a shard are. Each of its tiers has some 70 bytes of them a series: doubling would leave up to
// half of that unused, an eighth costs copying a series eight times while it is young.

const STEP = 1024;

/** Room for `count` series, and an eighth more than `before`, in whole steps. */
export function roomFor(count: number, before: number): number {
  return Math.ceil(Math.max(count, before * 1.125, 1) / STEP) * STEP;
}
