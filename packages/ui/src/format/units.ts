// Numbers as people read them. A unit is a ladder of (size, suffix) rungs; a value takes the highest rung it reaches, an
// axis takes one rung for all of its ticks so that they can be compared at a glance.

export const unitNames = ['number', 'bytes', 'bytes/s', 'bits/s', 'seconds', 'percent', 'ratio', 'per second'] as const;
export type Unit = (typeof unitNames)[number];

interface Rung {
  readonly size: number;
  readonly suffix: string;
}

function ladder(base: number, suffixes: readonly string[]): readonly Rung[] {
  return suffixes.map((suffix, i) => ({ size: base ** i, suffix }));
}

const timeLadder: readonly Rung[] = [
  { size: 1e-9, suffix: ' ns' },
  { size: 1e-6, suffix: ' µs' },
  { size: 1e-3, suffix: ' ms' },
  { size: 1, suffix: ' s' },
  { size: 60, suffix: ' min' },
  { size: 3600, suffix: ' h' },
  { size: 86_400, suffix: ' d' },
];

// Memory and disks are told in powers of 1024, rates in powers of 1000, as the tools around them do.
const ladders: Record<Unit, readonly Rung[]> = {
  number: ladder(1000, ['', ' k', ' M', ' G', ' T', ' P', ' E']),
  bytes: ladder(1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB']),
  'bytes/s': ladder(1000, [' B/s', ' kB/s', ' MB/s', ' GB/s', ' TB/s']),
  'bits/s': ladder(1000, [' b/s', ' kb/s', ' Mb/s', ' Gb/s', ' Tb/s']),
  seconds: timeLadder,
  percent: [{ size: 1, suffix: ' %' }],
  ratio: [{ size: 0.01, suffix: ' %' }],
  'per second': ladder(1000, [' /s', ' k/s', ' M/s', ' G/s']),
};

function rungOf(unit: Unit, magnitude: number): Rung {
  const rungs = ladders[unit];
  const unitRung = rungs.find((rung) => rung.size >= 1) ?? (rungs[0] as Rung);
  if (magnitude === 0) return unitRung;
  return rungs.findLast((rung) => magnitude >= rung.size) ?? (rungs[0] as Rung);
}

function notFinite(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : undefined;
}

/** Two or three significant digits, never an exponent unless the number is outside what a label can hold. */
function digits(scaled: number): string {
  const magnitude = Math.abs(scaled);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e6)) return scaled.toExponential(2).replace('e+', 'e');
  if (magnitude !== 0 && magnitude < 0.1) return String(Number(scaled.toPrecision(2)));
  const decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return String(Number(scaled.toFixed(decimals)));
}

/** `value` in `unit` with about three digits: `1.24 GiB`, `37.5 %`, `12 ms`. */
export function formatValue(value: number, unit: Unit): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const rung = rungOf(unit, Math.abs(value));
  return digits(value / rung.size) + rung.suffix;
}

/** The texts of an axis' ticks: one rung for all, and as many decimals as it takes to tell them as they are. */
export function formatTicks(splits: readonly number[], unit: Unit): string[] {
  const greatest = splits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const rung = rungOf(unit, greatest);
  const scaled = splits.map((value) => value / rung.size);
  const decimals = decimalsOf(scaled);
  return scaled.map((value) => (value === 0 ? '0' : trimZeros(value.toFixed(decimals))) + rung.suffix);
}

/** The fewest decimals, up to 6, that tell every one of `values` as it is: 2.5 must not become 3. */
function decimalsOf(values: readonly number[]): number {
  for (let decimals = 0; decimals < 6; decimals++) {
    const whole = (value: number) => Math.abs(value * 10 ** decimals - Math.round(value * 10 ** decimals)) < 1e-6;
    if (values.every(whole)) return decimals;
  }
  return 6;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Distances an axis may put between ticks, or undefined for powers of ten. Bytes want 1, 2, 4, ... of each 1024. */
export function tickDistances(unit: Unit): number[] | undefined {
  if (unit === 'bytes') return Array.from({ length: 60 }, (_, power) => 2 ** power);
  if (unit !== 'seconds') return undefined;
  const small = Array.from({ length: 10 }, (_, i) => 10 ** (i - 9)).flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  return [
    ...small.filter((size) => size < 10),
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    7200,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
  ];
}
