import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';

// A real LevelDB whose writes fail under way: the process may write no file beyond a size, half a record is written, and then it may again;
// or it may open no file, and then it may again. It goes on without being started anew, and after kill -9 all is there that was
// acknowledged. The limits are set from outside by prlimit (util-linux). No product code here.

const CHILD = join(import.meta.dirname, 'limits/child.ts');
const WINDOWS = 'shards/tidemark.raw/0/windows';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-limits-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that does what it is told. */
function start() {
  const run = spawn(process.execPath, ['-C', 'source', CHILD, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: run.stdout })[Symbol.asyncIterator]();
  const gone = new Promise((resolve) => run.on('close', resolve));
  return {
    tell: async (line: string): Promise<string> => {
      run.stdin.write(`${line}\n`);
      return (await lines.next()).value as string;
    },
    limit: (what: 'fsize' | 'nofile', soft: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', String(run.pid), `--${what}=${soft}:`]),
    kill: async () => {
      run.kill('SIGKILL');
      await gone;
    },
  };
}

/** The largest log of a LevelDB of the store. */
async function logBytes(): Promise<number> {
  const sizes: number[] = [];
  for (const window of await readdir(join(folder, WINDOWS))) {
    for (const name of await readdir(join(folder, WINDOWS, window))) {
      if (name.endsWith('.log')) sizes.push((await stat(join(folder, WINDOWS, window, name))).size);
    }
  }
  return Math.max(0, ...sizes);
}

const REFUSED = /^refused (STORAGE_IO|DISK_IO)/;
const DURABLE = /^\[/;

test('a log of LevelDB that ends in half a write takes nothing more: what is acknowledged then is there after kill -9', async () => {
  const child = start();
  expect(await child.tell('append 0')).toBe('true');
  expect(await child.tell('checkpoint')).toMatch(DURABLE);
  let offset = 1;
  for (const room of [10, 400, 100]) {
    expect(await child.tell(`append ${offset++}`)).toBe('true');
    child.limit('fsize', (await logBytes()) + room);
    expect(await child.tell('checkpoint')).toMatch(/^refused STORAGE_IO/);
    // Opened anew the log is another one, and there may be room in that, but then there is none for the checkpoint.
    for (let attempt = 0; attempt < 3; attempt++) expect(await child.tell('checkpoint')).toMatch(REFUSED);
    child.limit('fsize', 'unlimited');
    expect(await child.tell('checkpoint')).toMatch(DURABLE);
    expect(await child.tell(`append ${offset++}`)).toBe('true');
    expect(await child.tell('checkpoint')).toMatch(DURABLE);
    expect(await child.tell('count')).toBe(`${offset * 300} []`);
  }
  await child.kill();
  const next = start();
  expect(await next.tell('count')).toBe(`${offset * 300} []`);
  await next.kill();
}, 120_000);

test('with no file left to open it refuses, and goes on once there is one', async () => {
  const child = start();
  for (const offset of [0, 1, 2]) {
    expect(await child.tell(`append ${offset}`)).toBe('true');
    expect(await child.tell('idle')).toBe('idle');
    // From none at all up to as many as it takes: each time it comes one further.
    let refused = 0;
    for (let limit = 3; ; limit++) {
      child.limit('nofile', limit);
      const said = await child.tell('checkpoint');
      if (DURABLE.test(said)) break;
      expect(said).toMatch(REFUSED);
      refused++;
    }
    expect(refused).toBeGreaterThan(2);
    child.limit('nofile', 1024);
  }
  await child.kill();
  const next = start();
  expect(await next.tell('count')).toBe('900 []');
  await next.kill();
}, 120_000);
