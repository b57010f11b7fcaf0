import { readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { runTidemark, sendRemoteWrite, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';

// A file of one window's database is harmed between two starts, as a bad disk or a hand does it: the process starts, says what it
// found, mends what it can, warns of what it cannot, and goes on.

/** Three hours, a sample a second: whenever it is, some window that is not sealed has enough of it for a chunk, of rows too. */
const STEP_MS = 1000;
const POINTS = 3 * 3600;

type Resolution = 'raw' | '1m';

async function send(server: Tidemark, name: string): Promise<void> {
  const now = Date.now();
  const points = Array.from({ length: POINTS }, (_, i) => ({ timestampMs: now - (POINTS - i) * STEP_MS, value: i }));
  const { status, text } = await sendRemoteWrite(server.url, [{ labels: { __name__: name }, samples: points }]);
  expect(status, text).toBe(204);
}

async function flush(server: Tidemark): Promise<void> {
  expect((await fetch(`${server.url}/api/v1/admin/flush`, { method: 'POST' })).status).toBe(200);
}

interface Counted {
  readonly count: number;
  readonly warnings: readonly string[];
}

/** How many samples a tier says there were. */
async function count(server: Tidemark, name: string, resolution: Resolution): Promise<Counted> {
  const query = new URLSearchParams({ query: `count_over_time(${name}[1d])`, resolution });
  const response = await fetch(`${server.url}/api/v1/query?${query}`, { headers: { 'x-read-consistency': 'strong' } });
  const { data, warnings = [] } = (await response.json()) as {
    data: { result: { value: [number, string] }[] };
    warnings?: string[];
  };
  return { count: Number(data.result[0]?.value[1] ?? 0), warnings };
}

/** Files of a tier's windows. */
async function filesOf(server: Tidemark, tier: Resolution, pattern: RegExp): Promise<string[]> {
  const shards = join(server.dataFolder, 'store', 'shards');
  const names = await readdir(shards, { recursive: true });
  return names
    .filter((name) => new RegExp(`^tidemark\\.${tier}/\\d+/windows/`).test(name) && pattern.test(name))
    .map((name) => join(shards, name));
}

/** Stopped, with tables in windows of the tier that are not sealed. */
async function withTables(tier: Resolution): Promise<Tidemark> {
  const server = await startTidemark({ env: { TIDEMARK_COLLECTOR_HOST: 'false' } });
  await send(server, 'kept');
  await expect
    .poll(
      async () => {
        await flush(server);
        return (await filesOf(server, tier, /\/CURRENT$/)).length;
      },
      { timeout: 60_000, interval: 500 },
    )
    .toBeGreaterThan(0);
  await server.stop();
  // LevelDB makes a table of its log when it opens.
  await server.restart();
  expect(await count(server, 'kept', 'raw')).toEqual({ count: POINTS, warnings: [] });
  await server.stop();
  return server;
}

async function halve(file: string): Promise<void> {
  await truncate(file, (await readFile(file)).length >> 1);
}

test('a table of raw samples cut short: verify names the window; the next start has all of it again from the log', async () => {
  await using server = await withTables('raw');
  for (const table of await filesOf(server, 'raw', /\.ldb$/)) await halve(table);
  const verified = await runTidemark(['verify', server.dataFolder, '--quiet']);
  expect(verified.code, verified.stdout).toBe(1);
  expect(verified.stdout).toMatch(/^damaged +store\/shards\/tidemark\.raw\/\d+\/windows\/raw_\d+_\d+: /m);
  await server.restart();
  expect(await count(server, 'kept', 'raw')).toEqual({ count: POINTS, warnings: [] });
  expect(server.logs).toContain('a window is damaged and lacks samples: stop it and put its folder back');
  expect(server.logs).toContain('damaged windows are refilled from the log');
  await flush(server);
  await server.stop();
  const again = await runTidemark(['verify', server.dataFolder, '--quiet']);
  expect(again.code, again.stdout).toBe(0);
  const [kept] = await readdir(join(server.dataFolder, 'store', 'quarantine'));
  expect(kept).toMatch(/^window-shards_tidemark\.raw_\d+_windows_raw_\d+_\d+$/);
  expect(again.stdout).toContain(`store/quarantine/${kept}`);
  await server.restart();
  expect(await count(server, 'kept', 'raw')).toEqual({ count: POINTS, warnings: [] });
}, 180_000);

test('a table of rows cut short: it starts, warns of what is missing, takes new samples; verify names it', async () => {
  await using server = await withTables('1m');
  for (const table of await filesOf(server, '1m', /\.ldb$/)) await halve(table);
  for (const start of ['first', 'second']) {
    await server.restart();
    const { warnings } = await count(server, 'kept', '1m');
    expect(warnings, start).toContainEqual(expect.stringContaining('window shards/tidemark.1m/'));
    expect(await count(server, 'kept', 'raw')).toEqual({ count: POINTS, warnings: [] });
    await send(server, `new_${start}`);
    expect((await count(server, `new_${start}`, 'raw')).count).toBe(POINTS);
    await flush(server);
    await server.stop();
    expect(server.logs).toContain(start === 'first' ? 'damaged and lacks samples' : 'damaged, as before');
    const verified = await runTidemark(['verify', server.dataFolder, '--quiet']);
    expect(verified.code, verified.stdout).toBe(1);
    expect(verified.stdout).toMatch(/^damaged +store\/shards\/tidemark\.1m\//m);
  }
}, 180_000);

test('a CURRENT that is gone: it starts, and nothing is missing', async () => {
  await using server = await withTables('raw');
  for (const current of await filesOf(server, 'raw', /\/CURRENT$/)) await rm(current);
  await server.restart();
  expect(await count(server, 'kept', 'raw')).toEqual({ count: POINTS, warnings: [] });
  expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(
    /^tidemark_storage_quarantined_total\{what="window-mended"\} \d+$/m,
  );
}, 180_000);
