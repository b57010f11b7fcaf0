import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunCounts } from '../count-reporter.ts';
import { projectNode, root } from '../lib/project.mjs';
import type { Play } from './bug.ts';

/**
 * `passed`: every test did. `caught`: a test failed. `broken`: none did, and yet it did not go well: a file did not load, a hook or
 * something nobody waited for threw, or the run left no counts.
 */
export type Verdict = 'passed' | 'caught' | 'broken';

export interface Played {
  readonly verdict: Verdict;
  readonly seconds: number;
  /** The first test that failed; its name. */
  readonly failure: string | undefined;
  /** What the run had to say. */
  readonly output: string;
}

// They would change what is played, or what counts.
const NOT_OURS = /^(VITEST|CI$|(RUN_)?SEED$|ROUNDS$|FROM$|TO$|TIDEMARK_(PLANT|TEST_)|NODE_V8_COVERAGE)/;

/** Plays a test file in a vitest of its own, with a bug planted or with none. */
export async function play({ test, env = {} }: Play, plant?: string): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-planted-'));
  const file = join(folder, 'counts.json');
  const ours = Object.entries(process.env).filter(([key]) => !NOT_OURS.test(key));
  const startedMs = performance.now();
  try {
    const { code, output } = await vitest([test, '--bail=1', '--maxWorkers=1'], {
      ...Object.fromEntries(ours),
      ...env,
      ...(plant !== undefined && { TIDEMARK_PLANT: plant }),
      TIDEMARK_TEST_COUNTS: file,
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const counts = countsIn(file);
    return { verdict: verdictOf(code, counts), seconds, failure: counts?.failedTests[0], output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a run came to, by how it ended and what it counted. */
export function verdictOf(
  code: number,
  counts: Pick<RunCounts, 'passed' | 'failed' | 'failedTests'> | undefined,
): Verdict {
  if (counts === undefined) return 'broken';
  if (counts.failedTests.length > 0) return 'caught';
  return code === 0 && counts.failed === 0 && counts.passed > 0 ? 'passed' : 'broken';
}

function vitest(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return new Promise((resolve, reject) => {
    const child = spawn(projectNode(), [program, 'run', ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(pieces).toString() }));
  });
}

function countsIn(file: string): RunCounts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunCounts;
  } catch {
    // The run ended before its tests did: the verdict says so.
    return undefined;
  }
}
