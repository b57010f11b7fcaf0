import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { systemClock } from '@tidemark/base';

// A real program, run for a test: started, waited for by its own answer, stopped by its own pid, never left behind.
//
//   started ──ready() true──> ready ──stop()──> SIGTERM ──exits──> gone
//      │                        │                  └──stopMs──> SIGKILL, and an error: it should have stopped
//      └──exits or readyMs──> an error with its last output
//
// Whatever still runs when the test's own process exits is killed then.

export interface ProcessOptions {
  /** For messages: "prometheus". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited beside it. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** In a group of its own: Ctrl-C in the terminal reaches whoever started it, and not it as well. */
  readonly detached?: boolean;
  /** Asked again and again until it says true. A throw is "not yet". */
  readonly ready: (process: RealProcess) => Promise<boolean>;
  readonly readyMs?: number;
  /** How long SIGTERM may take, ms. */
  readonly stopMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const READY_MS = 30_000;
const STOP_MS = 15_000;
const ASK_EVERY_MS = 25;
// What a test wants to see of a program that failed; a chatty one must not fill the memory.
const OUTPUT_CHARS_MAX = 1_000_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the program and resolves once it is ready. Throws with its last output when it ends or takes too long. */
export async function startProcess(options: ProcessOptions): Promise<RealProcess> {
  const started = new RealProcess(options);
  try {
    await started.untilReady();
  } catch (error) {
    await started.kill9();
    throw error;
  }
  return started;
}

export class RealProcess {
  readonly #options: ProcessOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<Exit>;
  #exit: Exit | undefined;
  #failure: Error | undefined;
  #output = '';

  /** Use `startProcess`. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    const child = spawn(options.command, options.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.detached === true,
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
      });
    }
    this.#exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        running.delete(child);
        this.#exit = exit;
        resolve(exit);
      };
      child.once('error', (error) => {
        this.#failure = error;
        if (child.pid === undefined) end({ code: null, signal: null });
      });
      child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  /** -1 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it wrote to stdout and stderr, the last million characters. */
  get output(): string {
    return this.#output;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Resolves when it has ended by itself or otherwise. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  async untilReady(): Promise<void> {
    const { readyMs = READY_MS, ready, name } = this.#options;
    const deadlineMs = systemClock.monotonicMs() + readyMs;
    let lastProblem = '';
    while (systemClock.monotonicMs() < deadlineMs) {
      if (this.#exit !== undefined) {
        throw new Error(`${name} ended before it was ready (${this.#ending()}):\n${this.#lastOutput()}`);
      }
      try {
        if (await ready(this)) return;
      } catch (error) {
        lastProblem = error instanceof Error ? `: ${error.message}` : '';
      }
      await systemClock.sleep(ASK_EVERY_MS);
    }
    throw new Error(`${name} was not ready after ${readyMs} ms${lastProblem}\n${this.#lastOutput()}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and waits. Throws when it does not end in time; it is killed then. Stopping twice is fine. */
  async stop(): Promise<Exit> {
    const { stopMs = STOP_MS, name } = this.#options;
    if (this.#exit !== undefined) return this.#exit;
    this.signal('SIGTERM');
    const timedOut = new AbortController();
    const exit = await Promise.race([this.#exited, systemClock.sleep(stopMs, timedOut.signal).catch(() => undefined)]);
    timedOut.abort();
    if (exit !== undefined) return exit;
    await this.kill9();
    throw new Error(`${name} did not stop within ${stopMs} ms of SIGTERM:\n${this.#lastOutput()}`);
  }

  /** SIGKILL, and waits until it is gone. */
  async kill9(): Promise<Exit> {
    if (this.#exit === undefined) this.signal('SIGKILL');
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #ending(): string {
    if (this.#failure !== undefined) return this.#failure.message;
    return this.#exit?.signal ? `signal ${this.#exit.signal}` : `exit code ${this.#exit?.code}`;
  }

  #lastOutput(): string {
    const LINES = 40;
    return this.#output.trimEnd().split('\n').slice(-LINES).join('\n');
  }
}

/** GET that must answer with 2xx; for readiness. */
export async function answers(url: string): Promise<boolean> {
  const GIVE_UP_MS = 2000;
  const response = await fetch(url, { signal: AbortSignal.timeout(GIVE_UP_MS) });
  await response.arrayBuffer();
  return response.ok;
}

/** Runs a program to its end. Returns what it wrote to stdout; throws with both its outputs when it fails. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  const { timeoutMs, env } = options;
  try {
    const ran = await promisify(execFile)(command, args, {
      timeout: timeoutMs,
      maxBuffer: OUTPUT_CHARS_MAX,
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
    return ran.stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} failed: ${error instanceof Error ? error.message : ''}\n${stdout}${stderr}`, {
      cause: error,
    });
  }
}
