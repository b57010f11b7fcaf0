import { expect } from 'vitest';
import { ask, type MatrixSeries, type RowSeries, samples, until } from '../http.ts';
import { type OracleRow, rowsOf } from '../row-oracle.ts';
import type { Target } from './target.ts';
import type { FastTime } from './time.ts';

// What must hold after the last restart, asked over HTTP.

const RESOLUTIONS = { '1m': 60_000, '1h': 3_600_000 } as const;
type Resolution = keyof typeof RESOLUTIONS;
// A row of an hour goes out when the grace of its last minute is over, and some more after it; of a minute sooner.
const ROWS_WITHIN_MS = 7 * 60_000;
const PATIENCE_MS = 180_000;

/** What was acknowledged, by the number in the label `series`. */
export interface Sent {
  readonly selector: string;
  readonly sent: readonly (readonly { readonly timestampMs: number; readonly value: number }[])[];
}

/** Every acknowledged sample is there once with its value, and nothing else. */
export async function expectSamples(url: string, writer: Sent, time: FastTime): Promise<void> {
  const found = await stored(url, writer.selector, time);
  expect(found).toHaveLength(writer.sent.length);
  for (const { metric, values } of found) {
    const sent = writer.sent[Number(metric['series'])] ?? [];
    expect(pointsOf(values)).toEqual(sent.map(({ timestampMs, value }) => [timestampMs, value]));
  }
}

/** What was scraped is what was served, each page at most once. */
export async function expectScrapes(url: string, target: Target, time: FastTime, least: number): Promise<void> {
  const [series] = await stored(url, 'crash_page_scrapes', time);
  const values = (series?.values ?? []).map(([, value]) => Number(value));
  expect(values.length).toBeGreaterThanOrEqual(least);
  expect(values.at(-1)).toBeLessThanOrEqual(target.served());
  for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(values[i - 1] as number);
  const [constant] = await stored(url, 'crash_page_constant', time);
  expect(new Set(constant?.values.map(([, value]) => value))).toEqual(new Set(['7']));
}

/** A recorded series has the values that its source had, at the times of its group. */
export async function expectRecorded(url: string, time: FastTime, intervalMs: number): Promise<void> {
  const [series] = await stored(url, 'crash:flag', time);
  const points = pointsOf(series?.values ?? []);
  expect(points.length).toBeGreaterThan(0);
  const phases = new Set(points.map(([timestampMs]) => timestampMs % intervalMs));
  expect(phases.size, 'evaluations stand on one grid').toBe(1);
  for (const [, value] of points) expect([0, 1]).toContain(value);
}

/** Every row of what was written equals the plain computation, of minutes and of hours. */
export async function expectRows(url: string, writer: Sent, resolution: Resolution, time: FastTime): Promise<void> {
  const wanted = new Map(writer.sent.map((sent, i) => [String(i), rowsOf(sent, RESOLUTIONS[resolution])]));
  await expectRowsOf(url, writer.selector, 'series', resolution, wanted, time);
}

/** The same of a scraped series, of which storage is the only witness. */
export async function expectScrapedRows(url: string, time: FastTime): Promise<void> {
  const [series] = await stored(url, 'crash_page_scrapes', time);
  const points = pointsOf(series?.values ?? []).map(([timestampMs, value]) => ({ timestampMs, value }));
  const wanted = new Map([['crash_page_scrapes', rowsOf(points)]]);
  await expectRowsOf(url, 'crash_page_scrapes', '__name__', '1m', wanted, time);
}

/** Compares the windows that are over; waits for them. */
async function expectRowsOf(
  url: string,
  selector: string,
  label: string,
  resolution: Resolution,
  all: ReadonlyMap<string, readonly OracleRow[]>,
  time: FastTime,
): Promise<void> {
  const overMs = time.now() - (resolution === '1h' ? 0 : ROWS_WITHIN_MS);
  const wanted = new Map([...all].map(([key, rows]) => [key, rows.filter(({ end }) => end * 1000 <= overMs)]));
  expect(Math.min(...[...wanted.values()].map((rows) => rows.length)), `${resolution} windows`).toBeGreaterThan(0);
  const read = async () => {
    const series = await ask<readonly RowSeries[]>(url, 'rows', { 'match[]': selector, resolution });
    const found = series.map(({ metric, rows }) => [metric[label] as string, rows.map(plain)] as const);
    return new Map(found.map(([key, rows]) => [key, rows.filter(({ end }) => (end as number) * 1000 <= overMs)]));
  };
  const right = new Map([...wanted].map(([key, rows]) => [key, rows.map((row) => ({ ...row, compensation: 0 }))]));
  const found = await until(`${resolution} rows equal the oracle's`, PATIENCE_MS, async () => {
    const rows = await read();
    return same(rows, right) ? rows : undefined;
  }).catch(read);
  expect(found).toEqual(right);
}

function same(found: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): boolean {
  const text = (map: ReadonlyMap<string, unknown>) => JSON.stringify([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  const sortedKeys = (map: ReadonlyMap<string, unknown>) =>
    new Map([...map].map(([key, rows]) => [key, inOrder(rows)]));
  return text(sortedKeys(found)) === text(sortedKeys(wanted));
}

function inOrder(rows: unknown): unknown {
  return (rows as object[]).map((row) => Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Without its revision, in numbers. */
function plain({ revision: _, ...row }: RowSeries['rows'][number]): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
}

function stored(url: string, selector: string, time: FastTime): Promise<readonly MatrixSeries[]> {
  return samples(url, selector, '2d', time.now() + 600_000);
}

function pointsOf(values: MatrixSeries['values']): [number, number][] {
  return values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)]);
}
