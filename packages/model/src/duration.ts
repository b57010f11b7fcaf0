import { TidemarkError } from '@tidemark/base';

// Durations as Prometheus writes them: `5m`, `1h30m`, `100ms`, `1y2w3d`; units in falling order, each at most once; `0` alone.

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];
const SHAPE = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Milliseconds. Throws `DURATION_INVALID`. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const match = text === '' ? null : SHAPE.exec(text);
  if (!match) {
    throw new TidemarkError(
      'DURATION_INVALID',
      `${JSON.stringify(text)} is no duration; write it like 15s, 5m or 1h30m`,
      {
        text,
      },
    );
  }
  let ms = 0;
  UNITS.forEach(([, unitMs], i) => {
    ms += Number(match[i + 1] ?? 0) * unitMs;
  });
  if (ms > 9_223_372_036_854) {
    throw new TidemarkError('DURATION_INVALID', `the duration ${JSON.stringify(text)} is out of range`, { text });
  }
  return ms;
}

/** The shortest exact writing: `90000` is `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(ms);
  let out = ms < 0 ? '-' : '';
  for (const [unit, unitMs] of UNITS) {
    // Years and weeks only when nothing is left over, as Prometheus does: 8d stays 8d.
    if ((unit === 'y' || unit === 'w') && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) out += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return out;
}
