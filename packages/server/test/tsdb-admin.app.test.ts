import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runTidemark, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';

// Deletes and snapshots over HTTP, as Prometheus has them.

async function push(server: Tidemark, lines: readonly string[]): Promise<void> {
  const response = await fetch(`${server.url}/api/v1/import/prometheus`, {
    method: 'POST',
    body: `${lines.join('\n')}\n`,
  });
  expect(response.ok, await response.text()).toBe(true);
}

async function values(server: Tidemark, query: string): Promise<Record<string, string>> {
  const address = `${server.url}/api/v1/query?query=${encodeURIComponent(query)}`;
  const response = await fetch(address, { headers: { 'X-Read-Consistency': 'strong' } });
  const { data } = (await response.json()) as {
    data: { result: { metric: { x?: string }; value: [number, string] }[] };
  };
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric.x ?? '', value[1]]));
}

async function admin(server: Tidemark, path: string, init: RequestInit = { method: 'POST' }) {
  const response = await fetch(`${server.url}/api/v1/admin/tsdb/${path}`, init);
  return { status: response.status, text: await response.text() };
}

const match = (selector: string) => `match[]=${encodeURIComponent(selector)}`;

test('series are deleted at once and for good; what comes after lives; a snapshot is a server of its own', async () => {
  await using server = await startTidemark({
    env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_COLLECTOR_SELF: 'false' },
  });
  await push(server, ['water{x="1"} 5', 'water{x="2"} 7', 'fire{x="1"} 9']);
  expect(await values(server, 'water')).toEqual({ 1: '5', 2: '7' });

  expect((await admin(server, `delete_series?${match('water{x="1"}')}&${match('nothing')}`)).status).toBe(204);
  expect(await values(server, 'water')).toEqual({ 2: '7' });
  expect(await values(server, 'fire')).toEqual({ 1: '9' });
  // A form does as well, and so does PUT; a time that has nothing deletes nothing.
  const body = new URLSearchParams({ 'match[]': 'fire', start: '0', end: '1000' });
  expect((await admin(server, 'delete_series', { method: 'PUT', body })).status).toBe(204);
  expect(await values(server, 'fire')).toEqual({ 1: '9' });

  expect((await fetch(`${server.url}/api/v1/admin/flush`, { method: 'POST' })).status).toBe(200);
  const taken = await admin(server, 'snapshot');
  expect(taken.status, taken.text).toBe(200);
  const { name } = (JSON.parse(taken.text) as { data: { name: string } }).data;

  await push(server, ['water{x="1"} 50']);
  expect(await values(server, 'water')).toEqual({ 1: '50', 2: '7' });
  expect((await admin(server, 'clean_tombstones')).status).toBe(204);
  await server.kill9();
  await server.restart();
  expect(await values(server, 'water')).toEqual({ 1: '50', 2: '7' });
  expect(await values(server, 'count_over_time(water{x="1"}[5m])')).toEqual({ 1: '1' });

  const snapshot = join(server.dataFolder, 'snapshots', name);
  expect(existsSync(join(snapshot, 'repair', 'repair-marks')), 'what is to be made anew goes along').toBe(true);
  const verified = await runTidemark(['verify', snapshot, '--quiet']);
  expect([verified.stdout, verified.code]).toEqual([expect.stringMatching(/^\d+ ok, 0 damaged, 0 missing/), 0]);
  await using copy = await startTidemark({
    dataFolder: snapshot,
    env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_COLLECTOR_SELF: 'false' },
  });
  expect(await values(copy, 'water')).toEqual({ 2: '7' });
  expect(await values(copy, 'fire')).toEqual({ 1: '9' });
}, 60_000);

test('what is wrong with a request is said, and who may not is told so', async () => {
  await using server = await startTidemark({ env: { TIDEMARK_HTTP_ADMIN_API: 'off' } });
  for (const path of ['snapshot', 'clean_tombstones', `delete_series?${match('up')}`]) {
    const { status, text } = await admin(server, path);
    expect([status, JSON.parse(text)]).toMatchObject([503, { errorType: 'unavailable' }]);
    expect(text).toContain('TIDEMARK_HTTP_ADMIN_API=on');
  }
  await using open = await startTidemark({});
  const refusals: readonly (readonly [path: string, status: number, says: string, method?: string])[] = [
    ['delete_series', 400, 'no match[] parameter provided'],
    [`delete_series?${match('up{')}`, 400, 'parse error'],
    [`delete_series?${match('up')}&start=yesterday`, 400, 'cannot parse'],
    [`delete_series?${match('up')}&start=20&end=10`, 400, 'end timestamp must not be before start time'],
    ['snapshot', 405, 'POST and PUT', 'GET'],
  ];
  for (const [path, status, says, method = 'POST'] of refusals) {
    const { status: was, text } = await admin(open, path, { method });
    expect([was, JSON.parse(text)], path.slice(0, 60)).toMatchObject([
      status,
      { status: 'error', errorType: 'bad_data' },
    ]);
    expect(text).toContain(says);
  }
  const long = await admin(open, 'delete_series', {
    method: 'POST',
    body: new URLSearchParams({ 'match[]': `{a="${'x'.repeat(20_000)}"}` }),
  });
  expect([long.status, long.text]).toEqual([400, expect.stringContaining('the limit is 16384')]);
}, 60_000);
