// A line of blocks for a series of numbers; a space where there is none.

const BLOCKS = '▁▂▃▄▅▆▇█';

/** `values[i]` NaN means nothing there. The lowest is the lowest block, all equal is a middle line. */
export function sparkline(values: readonly number[]): string {
  const there = values.filter(Number.isFinite);
  const low = Math.min(...there);
  const high = Math.max(...there);
  return values
    .map((value) => {
      if (!Number.isFinite(value)) return ' ';
      if (high === low) return BLOCKS[3];
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(((value - low) / (high - low)) * BLOCKS.length))];
    })
    .join('');
}

/** At most `width` numbers: the mean of what falls together. */
export function squeeze(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, i) => {
    const part = values
      .slice(Math.floor((i * values.length) / width), Math.floor(((i + 1) * values.length) / width))
      .filter(Number.isFinite);
    return part.length === 0 ? Number.NaN : part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
