import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { afterAll, expect, test } from 'vitest';
import { RAW, valuesOf } from '../src/conformance/traits.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';

// A real process appends a known sequence and says what was acknowledged; it is killed with kill -9 at a random moment,
// twenty times on one folder. Every acknowledged record is there once, in order, and between them only what had been sent.

const ROUNDS = 20;
const SEED = Number(process.env['SEED'] ?? Math.trunc(performance.timeOrigin) % 1_000_000);

let folder = '';
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the writer until it has acknowledged `enough` and a little later; returns what it acknowledged, by partition. */
async function writeAndKill(from: number, enough: number, laterMs: number): Promise<number[]> {
  const writer = spawn(
    process.execPath,
    ['-C', 'source', join(import.meta.dirname, 'crash-writer.ts'), folder, String(from)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  let complaints = '';
  writer.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  // `close`, not `exit`: all output has been read by then.
  const exit = once(writer, 'close');
  const full = new Promise<void>((resolve) => {
    writer.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.split('\n').length > enough) resolve();
    });
  });
  await Promise.race([full, exit]);
  await new Promise((resolve) => setTimeout(resolve, laterMs));
  writer.kill('SIGKILL');
  const [, signal] = (await exit) as [number | null, string | null];
  expect(complaints).toBe('');
  expect(signal).toBe('SIGKILL');
  return out
    .slice(0, out.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

test(`nothing acknowledged is lost by kill -9 (SEED=${SEED})`, { timeout: 180_000 }, async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-crash-'));
  const random = seededRandom(SEED);
  const acknowledged = new Set<number>();
  let next = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const number of await writeAndKill(next, 1 + random.below(40), random.below(15))) acknowledged.add(number);
    const log = await openEmbeddedLog({ disk: nodeDisk(folder), clock: systemClock, logger: silentLogger });
    const found = (await valuesOf(log, RAW.name)).map(Number);
    await log.close();
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(new Set(found).size).toBe(found.length);
    const missing = [...acknowledged].filter((number) => !found.includes(number));
    expect(missing, `round ${round}`).toEqual([]);
    next = Math.max(-1, ...found) + 1000;
  }
  expect(acknowledged.size).toBeGreaterThan(ROUNDS);
});
