import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

// One process of the stack, kept running: one that ends by itself is started again, sooner at first and later then.
//
//   start() ──> running ──ends──> waiting 1, 2, 4 ... 30 s ──> running
//                  └──kill()──> as if it had crashed       stop() ──> SIGTERM, after 15 s SIGKILL ──> stopped
//
// It is in a group of its own: Ctrl-C in the terminal is for whoever stops them in their order.

export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
  /** One that ran so long was well: its next pause is the first again. */
  readonly wellAfterMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopMs: number;
}

const PAUSES: Pauses = { firstMs: 1000, longestMs: 30_000, wellAfterMs: 60_000, stopMs: 15_000 };
const LINES_KEPT = 200;
const LINE_CHARS_MAX = 2000;

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export type State = 'running' | 'waiting' | 'stopped';

export interface SupervisedParts {
  /** Told of an end that nobody asked for, for people. */
  readonly say: (line: string) => void;
  /** Told of every start and end. */
  readonly changed?: () => void;
  readonly pauses?: Partial<Pauses>;
}

export class Supervised {
  readonly name: string;
  readonly #command: Command;
  readonly #parts: SupervisedParts;
  readonly #pauses: Pauses;
  readonly #lines: string[] = [];
  #restarts = 0;
  #startedMs = 0;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = true;
  #waiting = new AbortController();
  #pauseMs: number;

  constructor(name: string, command: Command, parts: SupervisedParts) {
    this.name = name;
    this.#command = command;
    this.#parts = parts;
    this.#pauses = { ...PAUSES, ...parts.pauses };
    this.#pauseMs = this.#pauses.firstMs;
  }

  get state(): State {
    if (this.#child !== undefined) return 'running';
    return this.#stopping ? 'stopped' : 'waiting';
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often it ended without being told to. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The last of what it wrote. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Nothing while it runs; at once while it waits. */
  start(): void {
    if (this.#child !== undefined) return;
    this.#stopping = false;
    this.#waiting.abort();
    const { command, args, ...options } = this.#command;
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    this.#startedMs = performance.now();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    }
    child.once('error', (error) => this.#keep(`${command} does not start: ${error.message}`));
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#child = undefined;
        this.#parts.changed?.();
        if (!this.#stopping) void this.#startAgain(signal ?? `exit code ${code}`);
        resolve();
      });
    });
    this.#parts.changed?.();
  }

  /** SIGKILL; it is started again. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Resolves when it is gone. Twice is fine. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#waiting.abort();
    this.#child?.kill('SIGTERM');
    const hurry = setTimeout(() => this.kill(), this.#pauses.stopMs);
    await this.#ended;
    clearTimeout(hurry);
  }

  async #startAgain(how: string): Promise<void> {
    const { firstMs, longestMs, wellAfterMs } = this.#pauses;
    if (performance.now() - this.#startedMs >= wellAfterMs) this.#pauseMs = firstMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, longestMs);
    this.#restarts++;
    const words = this.#lines.at(-1);
    this.#parts.say(
      `${this.name} ended (${how}) and starts again in ${pauseMs / 1000} s${words ? `; its last words: ${words}` : ''}`,
    );
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    try {
      await sleep(pauseMs, undefined, { signal });
    } catch {
      return; // started or stopped meanwhile
    }
    this.start();
  }

  #keep(text: string): void {
    const lines = text.split('\n').filter((line) => line !== '');
    this.#lines.push(...lines.map((line) => line.slice(0, LINE_CHARS_MAX)));
    this.#lines.splice(0, this.#lines.length - LINES_KEPT);
  }
}
