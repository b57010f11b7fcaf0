import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTidemark, sendRemoteWrite, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { fastClock } from './fast-clock.ts';
import { serverNow } from './http.ts';

// A data folder as a real server leaves it; then one file of each kind is hurt in a copy, and `tidemark verify` names it.

/** What is named is the file itself, unless said otherwise; the last is for a file that was cut. */
const KINDS: readonly (readonly [kind: string, file: RegExp, named?: RegExp, namedIfCut?: RegExp])[] = [
  ['marker', /^TIDEMARK$/],
  // A journal that ends early is what a crash leaves; but the store has read more than is there.
  ['journal', /^log\/\d+\.journal$/, /^log\/\d+\.journal$/, /\/checkpoint-/],
  ['checkpoint', /^store\/shards\/tidemark\.raw\/\d\/checkpoint-/],
  ['series file', /^store\/shards\/tidemark\.raw\/\d\/series-/],
  ['window', /^store\/shards\/tidemark\.1m\/\d\/windows\/[^/]*\/\d+\.(log|ldb)$/, /\/tidemark\.1m\/\d\/windows\//],
  ['segment', /^objects\/segments\/.*\.seg$/],
  ['manifest', /^objects\/manifests\/.*\.manifest$/],
  ['metadata', /^store\/metadata$/],
  ['rollup checkpoint', /^rollup\/[^/]*\/checkpoint$/],
  ['rollup window', /^rollup\/.*\/window-/],
];

const CUT_TOO = new Set(['journal', 'window', 'segment']);

interface Verified {
  readonly code: number | null;
  /** What is not ok, by file. */
  readonly bad: ReadonlyMap<string, string>;
  readonly out: string;
}

async function verify(data: string): Promise<Verified> {
  const { code, stdout } = await runTidemark(['verify', data, '--quiet']);
  const lines = stdout.split('\n').filter((line) => /^(damaged|missing|orphan) /.test(line));
  const bad = new Map(lines.map((line) => [line.slice(9, line.indexOf(': ')), line] as const));
  return { code, bad, out: stdout };
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function largest(folder: string, files: readonly string[]): Promise<string> {
  const sizes = await Promise.all(files.map(async (file) => (await readFile(join(folder, file))).length));
  return files[sizes.indexOf(Math.max(...sizes))] as string;
}

/** Flushes until there is a file of every kind. */
async function untilThere(url: string, data: string): Promise<void> {
  let absent: string[] = [];
  for (let tries = 0; tries < 400; tries++) {
    expect((await fetch(`${url}/api/v1/admin/flush`, { method: 'POST' })).status).toBe(200);
    const files = await filesOf(data);
    absent = KINDS.filter(([, pattern]) => !files.some((file) => pattern.test(file))).map(([kind]) => kind);
    if (absent.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`there still is no ${absent.join(', no ')}`);
}

test('verify names what is damaged, missing or nobody’s in every kind of file', async () => {
  await using folder = await tempFolder('verify');
  const data = join(folder.path, 'data');
  await using server = await startTidemark({ dataFolder: data, env: fastClock(800) });
  await untilThere(server.url, data);
  const running = await runTidemark(['verify', data]);
  expect(running.code).toBe(1);
  expect(running.stderr).toContain(`has ${data} open`);
  await server.stop();
  const whole = await verify(data);
  expect(whole.out).toContain('0 damaged, 0 missing');
  expect(whole.code).toBe(0);
  // A day may have been compacted: its segments wait for the end of their lease.
  for (const [file, line] of whole.bad) expect(file, line).toMatch(/^objects\/segments\//);

  const files = (await filesOf(data)).filter((file) => !whole.bad.has(file));
  const copy = join(folder.path, 'copy');
  for (const [kind, pattern, named = pattern, namedIfCut = named] of KINDS) {
    for (const hurt of CUT_TOO.has(kind) ? (['flip', 'cut'] as const) : (['flip'] as const)) {
      await rm(copy, { recursive: true, force: true });
      await cp(data, copy, { recursive: true });
      const candidates = files.filter((name) => pattern.test(name));
      expect(candidates, `files of the kind ${kind}`).not.toEqual([]);
      const file = await largest(copy, candidates);
      const bytes = await readFile(join(copy, file));
      const middle = bytes.length >> 1;
      if (hurt === 'cut') await truncate(join(copy, file), middle);
      else {
        bytes[middle] = (bytes[middle] as number) ^ 0x10;
        await writeFile(join(copy, file), bytes);
      }
      const { code, bad, out } = await verify(copy);
      expect(
        [...bad.keys()].some((name) => (hurt === 'cut' ? namedIfCut : named).test(name)),
        `${kind}, ${hurt} ${file}:\n${out}`,
      ).toBe(true);
      expect(code, `${kind}, ${hurt}`).toBe(1);
    }
  }

  await rm(copy, { recursive: true, force: true });
  await cp(data, copy, { recursive: true });
  const segment = files.find((file) => file.endsWith('.seg')) as string;
  await rm(join(copy, segment));
  await writeFile(join(copy, 'objects/segments/left.seg'), 'nobody names it');
  const { bad, code } = await verify(copy);
  expect([bad.get(segment)?.slice(0, 7), code]).toEqual(['missing', 1]);
  expect(bad.get('objects/segments/left.seg')?.slice(0, 6)).toBe('orphan');
}, 480_000);

test('objects of a store of a zone are looked for in its room of the folder that stores share', async () => {
  await using folder = await tempFolder('verify-zone');
  const data = join(folder.path, 'data');
  const shared = join(folder.path, 'shared');
  const env = { TIDEMARK_STORE_OBJECTS: shared };
  await using server = await startTidemark({ dataFolder: data, env: { ...env, TIDEMARK_STORE_ZONE: 'a' } });
  const hoursAgo = Math.floor(await serverNow(server.url)) - 6 * 3_600_000;
  const old = [{ labels: { __name__: 'old' }, samples: [{ timestampMs: hoursAgo, value: 1 }] }];
  expect((await sendRemoteWrite(server.url, old)).status).toBe(204);
  expect((await fetch(`${server.url}/api/v1/admin/flush`, { method: 'POST' })).status).toBe(200);
  await server.stop();
  // Early in the day its minutes are of a day that is over, and sealed too.
  expect((await filesOf(shared)).filter((file) => /^a-0\/segments\/.*\.seg$/.test(file))).not.toHaveLength(0);
  // Whose folder it is, the folder says.
  const verified = await runTidemark(['verify', data], { env });
  expect(verified.code, verified.stdout).toBe(0);
  expect(verified.stdout).toMatch(/^ok +.*a-0\/segments\/.*\.seg: /m);
});
