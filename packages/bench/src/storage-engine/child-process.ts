import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { RowOptions } from './row.ts';

const CHILD = new URL(`./child${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).pathname;

/** As the server is started (scripts/tidemark.mjs): glibc keeps less of what was freed, V8 a smaller young space. */
const SERVER_HEAP = ['--max-semi-space-size=4', '--initial-old-space-size=256'];
const SERVER_ENV = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };

export interface ChildLoad {
  readonly folder: string;
  readonly series: number;
  readonly scrapes: number;
  readonly seed: number;
}

/** Runs child.ts in a process of its own; resolves with what it answers. `thenKill`: it is ended the hard way when it did. */
export async function runChild<Facts>(
  mode: 'memory' | 'store' | 'restart',
  { folder, series, scrapes, seed }: ChildLoad,
  say: RowOptions['say'],
  thenKill = false,
): Promise<Facts> {
  const args = [
    ...process.execArgv,
    ...SERVER_HEAP,
    CHILD,
    mode,
    folder,
    String(series),
    String(scrapes),
    String(seed),
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...SERVER_ENV, ...process.env },
  });
  createInterface({ input: child.stderr }).on('line', say);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let facts: Facts | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    facts = JSON.parse(line) as Facts;
    if (thenKill) child.kill('SIGKILL');
  }
  const code = await ended;
  if (facts === undefined || (code !== 0 && !thenKill)) throw new Error(`a process to ${mode} ended with code ${code}`);
  return facts;
}
