import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseSeed } from '@tidemark/testkit';
import { afterAll, expect, test } from 'vitest';

// A real process appends a known sequence and says what was acknowledged; it is killed with kill -9 at a random moment,
// twenty times on one folder. Every acknowledged number is there once, in order, and between them only what had been sent.

const ROUNDS = 20;
const SEED = chooseSeed();

let folder = '';
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A linear congruential generator is chance enough for when to kill. */
function chance(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

class Writer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  #out = '';
  #complaints = '';
  #onOutput: () => void = () => undefined;

  constructor(...args: string[]) {
    const program = join(import.meta.dirname, 'crash-process.ts');
    this.#child = spawn(process.execPath, ['-C', 'source', program, folder, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // `close`, not `exit`: all output has been read by then.
    this.#ended = once(this.#child, 'close');
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaints += chunk.toString();
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString();
      this.#onOutput();
    });
  }

  /** Until it has acknowledged so many numbers, or died. */
  async acknowledged(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        const [, after = ''] = this.#out.split('---\n');
        if (after.split('\n').length > count) resolve();
      };
    });
    await Promise.race([enough, this.#ended]);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** How it ended, what it found, and what it acknowledged. */
  async end(): Promise<{ signal: unknown; found: number[]; acknowledged: number[] }> {
    const [, signal] = await this.#ended;
    expect(this.#complaints).toBe('');
    const [found = '', acknowledged = ''] = this.#out.split('---\n');
    // Only whole lines: the last one may be cut.
    const numbers = (text: string) => (text.match(/\d+\n/g) ?? []).map(Number);
    return { signal, found: numbers(found), acknowledged: numbers(acknowledged) };
  }
}

test(`nothing acknowledged is lost by kill -9 (SEED=${SEED})`, { timeout: 180_000 }, async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-crash-'));
  const below = chance(SEED);
  const acknowledged = new Set<number>();
  const check = (found: readonly number[], round: number) => {
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    const there = new Set(found);
    const missing = [...acknowledged].filter((number) => !there.has(number));
    expect(missing, `round ${round}`).toEqual([]);
  };
  for (let round = 0; round < ROUNDS; round++) {
    const writer = new Writer();
    await writer.acknowledged(1 + below(40));
    await new Promise((resolve) => setTimeout(resolve, below(15)));
    writer.kill();
    const end = await writer.end();
    expect(end.signal).toBe('SIGKILL');
    check(end.found, round);
    for (const number of end.acknowledged) acknowledged.add(number);
  }
  const last = await new Writer('read').end();
  expect(last.signal).toBe(null);
  check(last.found, ROUNDS);
  expect(acknowledged.size).toBeGreaterThan(ROUNDS);
});
