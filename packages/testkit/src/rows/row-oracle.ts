// What the one-minute and one-hour rows of a run of batches should be, said as plainly as possible. Imports nothing of the product.

export interface OracleSample {
  /** Anything that names the series within its tenant. */
  readonly series: string;
  readonly timestampMs: number;
  /** IEEE 754 bits. */
  readonly bits: bigint;
}

export interface OracleBatch {
  readonly tenant: string;
  readonly admittedAtMs: number;
  readonly samples: readonly OracleSample[];
}

export interface OracleRules {
  readonly graceMs: number;
  readonly futureMs: number;
}

export interface OracleAnswer {
  /** By `tenant|series|windowEndMs`; the numbers of a row joined by blanks. Windows without a value have no entry. */
  readonly rows: Map<string, string>;
  /** The same of hours. */
  readonly hours: Map<string, string>;
  readonly beyondGrace: number;
  readonly tooFarInFuture: number;
  readonly duplicate: number;
  readonly replaced: number;
}

const STALE = 0x7ff0_0000_0000_0002n;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export function oracle(batches: readonly OracleBatch[], rules: OracleRules): OracleAnswer {
  const windows = new Map<string, Map<number, bigint>>();
  const counts = { beyondGrace: 0, tooFarInFuture: 0, duplicate: 0, replaced: 0 };
  let clockMs = Number.NEGATIVE_INFINITY;
  for (const batch of batches) {
    clockMs = Math.max(clockMs, batch.admittedAtMs);
    for (const { series, timestampMs, bits } of batch.samples) {
      const endMs = timestampMs % MINUTE_MS === 0 ? timestampMs : timestampMs - (timestampMs % MINUTE_MS) + MINUTE_MS;
      if (endMs + rules.graceMs <= clockMs) {
        counts.beyondGrace++;
        continue;
      }
      if (timestampMs > clockMs + rules.futureMs) {
        counts.tooFarInFuture++;
        continue;
      }
      const key = `${batch.tenant}|${series}|${endMs}`;
      const points = windows.get(key) ?? new Map<number, bigint>();
      windows.set(key, points);
      const before = points.get(timestampMs);
      if (before === bits) counts.duplicate++;
      else if (before !== undefined) counts.replaced++;
      points.set(timestampMs, bits);
    }
  }
  const rows = new Map<string, string>();
  const minutes = new Map<string, { endMs: number; row: RowNumbers }[]>();
  for (const [key, points] of windows) {
    const row = rowOf([...points].filter(([, bits]) => bits !== STALE).sort(([a], [b]) => a - b));
    if (row === undefined) continue;
    rows.set(key, rowText(row));
    const [tenant, ...rest] = key.split('|');
    const endMs = Number(rest.pop());
    const hour = `${tenant}|${rest.join('|')}|${Math.ceil(endMs / HOUR_MS) * HOUR_MS}`;
    minutes.set(hour, [...(minutes.get(hour) ?? []), { endMs, row }]);
  }
  const hours = new Map<string, string>();
  for (const [key, of] of minutes) hours.set(key, rowText(hourOf(of.sort((a, b) => a.endMs - b.endMs))));
  return { rows, hours, ...counts };
}

/** Minute after minute: numbers that are sums go on, and a counter's step between two minutes counts. */
function hourOf(minutes: readonly { readonly row: RowNumbers }[]): RowNumbers {
  const rows = minutes.map(({ row }) => row);
  const first = rows[0] as RowNumbers;
  const last = rows.at(-1) as RowNumbers;
  let { sum, compensation, increase } = first;
  rows.slice(1).forEach((row, i) => {
    const before = rows[i] as RowNumbers;
    const total = sum + row.sum;
    if (!Number.isFinite(total)) compensation = 0;
    else if (Math.abs(sum) >= Math.abs(row.sum)) compensation += sum - total + row.sum;
    else compensation += row.sum - total + sum;
    sum = total;
    if (Number.isFinite(sum)) compensation += row.compensation;
    increase = increase + (row.first < before.last ? row.first : row.first - before.last) + row.increase;
  });
  const best = (of: (row: RowNumbers) => number, better: (a: number, b: number) => boolean) =>
    rows.map(of).reduce((a, b) => (better(b, a) || Number.isNaN(a) ? b : a));
  return {
    count: rows.reduce((count, row) => count + row.count, 0),
    sum,
    compensation,
    min: best(
      (row) => row.min,
      (a, b) => a < b,
    ),
    max: best(
      (row) => row.max,
      (a, b) => a > b,
    ),
    first: first.first,
    firstMs: first.firstMs,
    last: last.last,
    lastMs: last.lastMs,
    increase,
  };
}

function rowOf(points: readonly (readonly [timestampMs: number, bits: bigint])[]): RowNumbers | undefined {
  if (points.length === 0) return undefined;
  const values = points.map(([, bits]) => numberOf(bits));
  const numbers = values.filter((value) => !Number.isNaN(value));
  let sum = 0;
  let compensation = 0;
  let increase = 0;
  values.forEach((value, i) => {
    const total = sum + value;
    if (!Number.isFinite(total)) compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) compensation += sum - total + value;
    else compensation += value - total + sum;
    sum = total;
    // What the counter had before each drop.
    if (i > 0 && value < (values[i - 1] as number)) increase += values[i - 1] as number;
  });
  const first = values[0] as number;
  const last = values.at(-1) as number;
  return {
    count: values.length,
    sum,
    compensation,
    min: numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => (b < a ? b : a)),
    max: numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => (b > a ? b : a)),
    first,
    firstMs: (points[0] as readonly [number, bigint])[0],
    last,
    lastMs: (points.at(-1) as readonly [number, bigint])[0],
    increase: last - first + increase,
  };
}

export interface RowNumbers {
  readonly count: number;
  readonly sum: number;
  readonly compensation: number;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly firstMs: number;
  readonly last: number;
  readonly lastMs: number;
  readonly increase: number;
}

/** A row for comparing and for people; all NaNs are one, -0 is not 0. */
export function rowText(row: RowNumbers): string {
  const text = (value: number) => (Object.is(value, -0) ? '-0' : String(value));
  const { count, sum, compensation, min, max, first, firstMs, last, lastMs, increase } = row;
  return [count, sum, compensation, min, max, first, firstMs, last, lastMs, increase].map(text).join(' ');
}

const VIEW = new DataView(new ArrayBuffer(8));

export function numberOf(bits: bigint): number {
  VIEW.setBigUint64(0, bits);
  return VIEW.getFloat64(0);
}

export function bitsOf(value: number): bigint {
  VIEW.setFloat64(0, value);
  return VIEW.getBigUint64(0);
}
