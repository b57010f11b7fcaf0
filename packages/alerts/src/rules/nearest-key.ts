// "Did you mean": the key that a mistyped one is nearest to.

/** The nearest of `keys` by edit distance, if it is near enough to be meant. */
export function nearestKey(wrong: string, keys: readonly string[]): string | undefined {
  // A third of the letters may differ: `annotation` finds `annotations`, `x` finds nothing.
  const limit = Math.max(1, Math.floor(wrong.length / 3));
  const ranked = keys
    .map((key) => ({ key, distance: editDistance(wrong.toLowerCase(), key) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= limit ? best.key : undefined;
}

/** Insertions, removals and exchanges to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchange = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, exchange));
    }
    row = next;
  }
  return row[b.length] as number;
}
