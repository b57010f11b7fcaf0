import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// kill -9 on a real process that appends to a journal on a real disk, again and again in one folder: what it was told is there is there,
// once, and nothing behind a gap. No product code here.

const CHILD = join(import.meta.dirname, 'journal/child.ts');
const KILL_AFTER_TOLD = [1, 21, 30];

function child(args: readonly string[], killAfterTold = Number.POSITIVE_INFINITY): Promise<string> {
  return new Promise((resolve) => {
    const run = spawn(process.execPath, ['-C', 'source', CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    run.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      if (out.split('told').length > killAfterTold) run.kill('SIGKILL');
    });
    run.stderr.on('data', (data: Buffer) => {
      out += data.toString();
    });
    run.on('close', (code, signal) => resolve(`${out}ended ${signal ?? code}\n`));
  });
}

test('what a journal acknowledged is there after kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-journal-'));
  try {
    let there = 0;
    for (const killAfterTold of KILL_AFTER_TOLD) {
      const ran = await child(['run', folder, String(there)], killAfterTold);
      expect(ran).toContain('ended SIGKILL');
      const told = Number(
        ran
          .match(/told (\d+)/g)
          ?.at(-1)
          ?.slice('told '.length),
      );
      const dumped = await child(['dump', folder]);
      expect(dumped).toContain('ended 0');
      expect(dumped).not.toContain('warning');
      const found = dumped.split('\n').filter((line) => line.includes('='));
      expect(found.length).toBeGreaterThanOrEqual(told);
      // Eight at once are as many as may be under way.
      expect(found.length).toBeLessThanOrEqual(told + 8);
      expect(found).toEqual(found.map((_, number) => `${number}=${number}`));
      there = found.length;
    }
    expect(there).toBeGreaterThan(400);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
