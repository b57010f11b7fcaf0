import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storyPoints } from './oracle/kill-story.ts';

// kill -9 on a real process with real files and a real LevelDB, at every named point between two durable steps and at moments
// of its own choosing. Afterwards the rest of the log is replayed from the position the engine asks for, and every sample is
// there once, the last in log order. No product code here.

const CHILD = join(import.meta.dirname, 'kill/child.ts');
// Each run goes this much further than the one before, so that every point is passed again.
const STRIDE = 80;
const POINTS = [
  ['checkpoint:series', 3],
  ['checkpoint:windows', 2],
  ['checkpoint:written', 5],
  ['seal:frozen', 3],
  ['seal:put', 1],
  ['seal:manifest', 1],
  ['seal:removed', 1],
  ['compact:put', 1],
  ['compact:manifest', 1],
  ['reap:removed', 2],
] as const;

interface Ended {
  readonly signal: string | null;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function child(args: readonly string[], killAfterMs?: number): Promise<Ended> {
  return new Promise((resolve) => {
    const run = spawn(process.execPath, ['-C', 'source', CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    run.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    run.stderr.on('data', (data: Buffer) => {
      err += data.toString();
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => run.kill('SIGKILL'), killAfterMs);
    run.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ signal, code, out, err });
    });
  });
}

test('every sample is there once after kill -9 at any point', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-kill-'));
  try {
    let killed = 0;
    for (const [i, [point, nth]] of POINTS.entries()) {
      const until = String((i + 1) * STRIDE);
      const { signal, code, err } = await child(['run', folder, until, point, String(nth)]);
      expect(signal === 'SIGKILL' || code === 0, `${point}: ${err}`).toBe(true);
      if (signal === 'SIGKILL') killed++;
    }
    expect(killed, 'every point is reached').toBe(POINTS.length);
    const end = (POINTS.length + 2) * STRIDE;
    for (const killAfterMs of [450, 700]) await child(['run', folder, String(end)], killAfterMs);
    const { out, err, code } = await child(['dump', folder, String(end)]);
    expect(code, err).toBe(0);
    const lines = out.split('\n').filter((line) => /^\d+ \d+ /.test(line));
    expect(out).not.toContain('warning');
    expect(Number(/segments (\d+)/.exec(out)?.[1])).toBeGreaterThan(0);
    expect(/objects (\d+)/.exec(out)?.[1], 'nothing is left that nobody names').toBe(/segments (\d+)/.exec(out)?.[1]);
    const expected = new Map<string, number>();
    for (let offset = 0; offset < end; offset++) {
      for (const { series, atMs, value } of storyPoints(offset)) expected.set(`${series} ${atMs}`, value);
    }
    const found = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ')[2])]));
    expect(found.size).toBe(lines.length);
    expect(found.size).toBe(expected.size);
    for (const [key, value] of expected) expect(found.get(key), key).toBe(value);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
