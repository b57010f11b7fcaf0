import { sendRemoteWrite, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { fastClock } from './fast-clock.ts';
import { type MatrixSeries, serverNow, until } from './http.ts';

// A query that reaches further back than raw is kept: rows of a minute and the raw tail, one answer, and it says so. Expected is
// counted from what was sent.

const RATE = 200;
const MINUTE_MS = 60_000;
const RAW_KEPT_MINUTES = 20;
const MINUTES = 35;

async function rangeQuery(url: string, params: Record<string, string>) {
  const response = await fetch(`${url}/api/v1/query_range?${new URLSearchParams(params)}`, {
    headers: { 'x-read-consistency': 'strong' },
  });
  const body = (await response.json()) as { data: { result: readonly MatrixSeries[] } };
  const said = ['resolution', 'accuracy'].map((what) => response.headers.get(`x-tidemark-${what}`)).join(' ');
  const values = new Map(body.data.result[0]?.values.map(([seconds, value]) => [seconds * 1000, Number(value)]));
  return { said, values };
}

test('rows where raw is gone, raw where rows are not yet', { timeout: 120_000 }, async () => {
  await using server = await startTidemark({
    env: {
      TIDEMARK_COLLECTOR_HOST: 'false',
      ...fastClock(RATE),
      TIDEMARK_STORE_RETENTION_RAW: `${RAW_KEPT_MINUTES}m`,
    },
  });
  const { url } = server;
  const sent: { timestampMs: number; value: number }[] = [];
  const beginMs = await serverNow(url);
  let value = 0;
  for (let now = beginMs; now < beginMs + MINUTES * MINUTE_MS; now = await serverNow(url)) {
    const timestampMs = Math.floor(now);
    if (timestampMs === sent.at(-1)?.timestampMs) continue;
    value = sent.length % 50 === 49 ? 1 : value + (sent.length % 7);
    sent.push({ timestampMs, value });
    const { status, text } = await sendRemoteWrite(url, [
      { labels: { __name__: 'steps_total' }, samples: [{ timestampMs, value }] },
    ]);
    expect(status, text).toBe(204);
  }
  const startMs = Math.ceil(beginMs / MINUTE_MS) * MINUTE_MS + 5 * MINUTE_MS;
  const endMs = Math.floor((sent.at(-1)?.timestampMs as number) / MINUTE_MS) * MINUTE_MS;
  const grid = { start: String(startMs / 1000), end: String(endMs / 1000), step: '60' };
  const counts = await rangeQuery(url, { query: 'count_over_time(steps_total[5m])', ...grid });
  const last = await rangeQuery(url, { query: 'last_over_time(steps_total[5m])', ...grid });
  expect([counts.said, last.said]).toEqual(['raw,1m exact', 'raw,1m exact']);
  for (let atMs = startMs; atMs <= endMs; atMs += MINUTE_MS) {
    const inside = sent.filter(({ timestampMs: ms }) => ms > atMs - 5 * MINUTE_MS && ms <= atMs);
    expect(counts.values.get(atMs), `samples at ${atMs}`).toBe(inside.length || undefined);
    expect(last.values.get(atMs)).toBe(inside.at(-1)?.value);
  }
  // The samples themselves are gone where rows answered: once the rollup has said that it is through with them.
  await until('raw is gone', 30_000, async () => {
    const raw = await rangeQuery(url, { query: 'count_over_time(steps_total[5m])', ...grid, resolution: 'raw' });
    expect(raw.said).toBe('raw exact');
    return raw.values.get(startMs) === undefined ? true : undefined;
  });
});
