// A table a person can read, and paste into docs/performance.md.

export function report(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? significant(cell) : cell)));
  return [
    '',
    `### ${title}`,
    '',
    `| ${head.join(' | ')} |`,
    `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`,
    ...text.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

/** Three figures are what a noisy machine can promise. */
function significant(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 1000 ? rounded.toLocaleString('en-US') : String(rounded);
}
