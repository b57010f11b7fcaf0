// Durations as PromQL writes them: 30s, 5m, 1h30m, 7d.

const units: readonly (readonly [string, number])[] = [
  ['y', 365 * 86_400],
  ['w', 7 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

const whole = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/** Seconds in `text`, or undefined when it is not a positive duration. A bare number counts as seconds. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) > 0 ? Number(trimmed) : undefined;
  const parts = whole.exec(trimmed);
  if (parts === null) return undefined;
  const seconds = units.reduce((sum, [, size], i) => sum + size * Number(parts[i + 1] ?? 0), 0);
  return seconds > 0 ? seconds : undefined;
}

/** The shortest spelling that parses back: 5400 is `1h30m`. Fractions of a second are kept as a bare number. */
export function formatDuration(seconds: number): string {
  if (!Number.isInteger(seconds)) return String(seconds);
  let rest = seconds;
  let text = '';
  for (const [unit, size] of units) {
    if (unit === 'w' || unit === 'y') continue; // 7d reads better than 1w, and years differ in length.
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
