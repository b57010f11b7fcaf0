import { sendRemoteWrite, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { fastClock } from './fast-clock.ts';
import { ask, type RowSeries, serverNow, until } from './http.ts';
import { type OracleRow, rowsOf } from './row-oracle.ts';

// Samples that come hours and days after their time, out of order and twice, with a kill in between: their rows are right.

const HOUR_MS = 3_600_000;

interface Point {
  readonly timestampMs: number;
  readonly value: number;
}

async function send(server: Tidemark, name: string, samples: readonly Point[]): Promise<void> {
  const { status, text } = await sendRemoteWrite(server.url, [{ labels: { __name__: name }, samples: [...samples] }]);
  expect(status, text).toBe(204);
}

/** A counter that begins anew now and then: quarters, so that sums are exact. */
function counter(fromMs: number, count: number, stepMs: number): Point[] {
  return Array.from({ length: count }, (_, i) => ({ timestampMs: fromMs + i * stepMs, value: ((i * 7) % 100) / 4 }));
}

async function rows(server: Tidemark, name: string, resolution: string): Promise<readonly OracleRow[]> {
  const [series] = await ask<readonly RowSeries[]>(server.url, 'rows', { 'match[]': name, resolution });
  return (series?.rows ?? []).map((row) => ({
    end: row.end,
    count: row.count,
    sum: Number(row.sum),
    min: Number(row.min),
    max: Number(row.max),
    first: Number(row.first),
    firstTime: row.firstTime,
    last: Number(row.last),
    lastTime: row.lastTime,
    increase: Number(row.increase),
  }));
}

async function untilRows(server: Tidemark, name: string, points: readonly Point[], resolution: string): Promise<void> {
  const wanted = rowsOf(points, resolution === '1h' ? HOUR_MS : 60_000);
  let found: readonly OracleRow[] = [];
  const isThere = async () => {
    found = await rows(server, name, resolution);
    return JSON.stringify(found) === JSON.stringify(wanted) ? found : undefined;
  };
  await until(`${resolution} rows of ${name}`, 60_000, isThere).catch(() => undefined);
  expect(found).toEqual(wanted);
}

test('backfills of hours and days end in right rows of minutes and hours, through kill -9', {
  timeout: 180_000,
}, async () => {
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false', ...fastClock(10) },
  });
  const nowMs = Math.floor(await serverNow(server.url));
  const days = counter(nowMs - 50 * HOUR_MS, 300, 30_000);
  const hours = counter(nowMs - 5 * HOUR_MS, 400, 20_000);
  await send(server, 'late_days_total', days.slice(150));
  await send(server, 'late_hours_total', hours.slice(0, 200));
  await server.kill9();
  await server.restart();
  await send(server, 'late_days_total', days.slice(0, 150));
  await untilRows(server, 'late_days_total', days, '1m');
  await untilRows(server, 'late_days_total', days, '1h');
  await send(server, 'late_hours_total', hours.slice(100));
  await server.kill9();
  await server.restart();
  await untilRows(server, 'late_hours_total', hours, '1m');
  await untilRows(server, 'late_hours_total', hours, '1h');
  // A later word on an old time holds, in the sample as in its rows.
  const corrected = hours.map((point, i) => (i === 50 ? { ...point, value: 1_000 } : point));
  await send(server, 'late_hours_total', corrected.slice(50, 51));
  await untilRows(server, 'late_hours_total', corrected, '1m');
  await untilRows(server, 'late_hours_total', corrected, '1h');
});
