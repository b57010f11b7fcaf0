import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

// One process of the stack, kept running: one that ends by itself is started again, sooner at first and later then.
//
//   start() ──> running ──ends──> waiting 1, 2, 4 ... 30 s ──> running
//                  └──kill()──> as if it had crashed       stop() ──> SIGTERM, after 15 s SIGKILL ──> stopped

const STOP_MS = 15_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
// One that ran so long was well: its next wait is the first again.
const WELL_AFTER_MS = 60_000;
const LINES_KEPT = 200;

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type State = 'running' | 'waiting' | 'stopped';

export class Supervised {
  readonly name: string;
  restarts = 0;
  startedAt = 0;
  readonly #command: Command;
  readonly #say: (line: string) => void;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #stopping = false;
  #waiting = new AbortController();
  #waitMs = FIRST_WAIT_MS;

  constructor(name: string, command: Command, say: (line: string) => void) {
    this.name = name;
    this.#command = command;
    this.#say = say;
  }

  get state(): State {
    if (this.#child !== undefined) return 'running';
    return this.#stopping ? 'stopped' : 'waiting';
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last of what it wrote. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  start(): void {
    if (this.#child !== undefined) return;
    this.#stopping = false;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    const { command, args, env } = this.#command;
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.startedAt = Date.now();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => this.#keep(text));
    }
    child.once('error', (error) => this.#keep(`${command} does not start: ${error.message}`));
    child.once('close', (code, signal) => void this.#ended(child, signal ?? `exit code ${code}`));
  }

  /** SIGKILL; it is started again. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#waiting.abort();
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    const hurry = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(hurry);
  }

  async #ended(child: ChildProcess, how: string): Promise<void> {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#stopping) return;
    if (Date.now() - this.startedAt >= WELL_AFTER_MS) this.#waitMs = FIRST_WAIT_MS;
    this.restarts++;
    this.#say(
      `${this.name} ended (${how}), starts again in ${this.#waitMs / 1000} s. Its last words: ${this.#lines.at(-1) ?? 'none'}`,
    );
    const waiting = this.#waiting.signal;
    await sleep(this.#waitMs, undefined, { signal: waiting }).catch(() => undefined);
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    if (!waiting.aborted) this.start();
  }

  #keep(text: string): void {
    this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    if (this.#lines.length > LINES_KEPT) this.#lines.splice(0, this.#lines.length - LINES_KEPT);
  }
}
