import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTidemark, sendRemoteWrite, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { fastClock } from './fast-clock.ts';
import { ask, type RowSeries, samples, serverNow, until, vector } from './http.ts';
import { rowsOf } from './row-oracle.ts';
import { webhook } from './webhook.ts';

// One metric the whole way, over HTTP only: in by remote_write, out as an answer, as an alert at a webhook, as a 1-minute
// row, and as a sealed segment read back after everything local is gone.

const RATE = 20;

const RULES = `
groups:
  - name: whole-path
    interval: 10s
    rules:
      - alert: TooHot
        expr: whole_path_temperature > 30
        for: 20s
        labels: { severity: page }
        annotations: { summary: 'it is {{ $value }} degrees at {{ $labels.place }}' }
`;

test('from remote_write to an answer, a delivered webhook, a row, and a sealed segment', {
  timeout: 180_000,
}, async () => {
  await using folder = await tempFolder('rules');
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(rules, RULES);
  await using hook = await webhook();
  await using server = await startTidemark({
    env: {
      TIDEMARK_COLLECTOR_HOST: 'false',
      ...fastClock(RATE),
      TIDEMARK_RULES_FILES: rules,
      TIDEMARK_NOTIFIER_WEBHOOK_URL: hook.url,
    },
  });
  const { url } = server;
  const send = async (name: string, points: { timestampMs: number; value: number }[], labels = {}) => {
    const { status, text } = await sendRemoteWrite(url, [
      { labels: { __name__: name, place: 'hall', ...labels }, samples: points },
    ]);
    expect(status, text).toBe(204);
  };

  // An answer, right after the 204.
  const start = await serverNow(url);
  await send('whole_path_temperature', [{ timestampMs: start, value: 35 }]);
  expect((await vector(url, 'whole_path_temperature')).map((s) => s.value[1])).toEqual(['35']);
  await expect(
    ask(url, 'query', { query: 'whole_path_temperature' }, { 'x-scope-orgid': 'other' }),
  ).resolves.toMatchObject({ result: [] });

  // Firing, with labels and annotations; then resolved.
  const hot = setInterval(
    () => void serverNow(url).then((now) => send('whole_path_temperature', [{ timestampMs: now, value: 35 }])),
    1000,
  );
  const firing = await until('a firing notice', 60_000, async () =>
    hook.notices.find((notice) => notice.status === 'firing'),
  );
  clearInterval(hot);
  expect(firing.alerts[0]).toMatchObject({
    labels: { alertname: 'TooHot', place: 'hall', severity: 'page' },
    annotations: { summary: 'it is 35 degrees at hall' },
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await send('whole_path_temperature', [{ timestampMs: await serverNow(url), value: 20 }]);
  await until('a resolved notice', 60_000, async () => hook.notices.find((notice) => notice.status === 'resolved'));

  // A row.
  const base = Math.floor((await serverNow(url)) / 60_000) * 60_000;
  const points = [5, 7.5, 2, 4].map((value, i) => ({ timestampMs: base - 20_000 + i * 15_000, value }));
  await send('whole_path_total', points);
  const wanted = rowsOf(points);
  await until('rows equal to the plain computation', 60_000, async () => {
    const [series] = await ask<readonly RowSeries[]>(url, 'rows', { 'match[]': 'whole_path_total', resolution: '1m' });
    const found = series?.rows.map((row) => [
      row.end,
      row.count,
      Number(row.sum),
      Number(row.min),
      Number(row.max),
      Number(row.increase),
    ]);
    return JSON.stringify(found) ===
      JSON.stringify(wanted.map((row) => [row.end, row.count, row.sum, row.min, row.max, row.increase]))
      ? series
      : undefined;
  });

  // Hours old: its window is over, so a flush seals it; then nothing local is left of it, and later nothing at all.
  const old = (await serverNow(url)) - 6 * 3_600_000;
  const history = Array.from({ length: 200 }, (_, i) => ({ timestampMs: Math.floor(old) + i * 1000, value: i / 4 }));
  await send('whole_path_history', history);
  const flushed = await fetch(`${url}/api/v1/admin/flush`, { method: 'POST' });
  expect(flushed.status, await flushed.text()).toBe(200);
  const readBack = async () => {
    const [series] = await samples(url, 'whole_path_history', '1h', old + 1_800_000);
    expect(
      series?.values.map(([seconds, value]) => ({ timestampMs: Math.round(seconds * 1000), value: Number(value) })),
    ).toEqual(history);
  };
  await readBack();
  const segments = (await readdir(join(server.dataFolder, 'objects'), { recursive: true })).filter((name) =>
    name.endsWith('.seg'),
  );
  expect(segments.length).toBeGreaterThan(0);
  await server.stop();
  await rm(join(server.dataFolder, 'store'), { recursive: true });
  await server.restart();
  await readBack();

  // The same from the command line.
  const asked = await runTidemark(['query', '--time', String((old + 199_000) / 1000), 'whole_path_history'], {
    env: { TIDEMARK_HTTP_LISTEN: url.slice('http://'.length) },
  });
  expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('whole_path_history{place="hall"}') });
});
