import { startTidemark, type Tidemark } from '@tidemark/testkit/real';

// Every role in processes of its own, and somebody who starts again what ended, as an orchestrator does.

export type Name = 'ingest' | 'query' | 'rules' | 'notify' | `${'spread' | 'rollup' | 'store'}-${0 | 1}`;

export interface Plan {
  readonly roles: string;
  readonly env: Readonly<Record<string, string>>;
}

const LOOK_MS = 200;
const LAST_WORDS = 3000;

export class Fleet implements AsyncDisposable {
  readonly #processes = new Map<Name, Tidemark>();
  readonly #cleanup = new AsyncDisposableStack();
  readonly #starting = new Map<Name, Promise<void>>();
  #watching: Promise<void> | undefined;
  #isOver = false;
  /** Ended without being told to. */
  readonly fell: string[] = [];

  async start(name: Name, { roles, env }: Plan): Promise<Tidemark> {
    // A process whose log is away for a moment is not ready for so long.
    const tidemark = this.#cleanup.use(await startTidemark({ args: ['--roles', roles], env, readyMs: 120_000 }));
    this.#processes.set(name, tidemark);
    return tidemark;
  }

  /** From now on whatever ends is started again. */
  watch(): void {
    this.#watching = this.#watch();
  }

  of(name: Name): Tidemark {
    return this.#processes.get(name) as Tidemark;
  }

  async kill9(name: Name): Promise<void> {
    await this.#starting.get(name);
    await this.of(name).kill9();
  }

  signal(name: Name, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.of(name).process.signal(signal);
  }

  /** What each wrote last: of its present life, or of its last one. */
  get lastWords(): string {
    return [...this.#processes].map(([name, { logs }]) => `--- ${name}\n${logs.slice(-LAST_WORDS)}`).join('\n');
  }

  /** Until everything runs and is ready. */
  async settle(): Promise<void> {
    for (;;) {
      await Promise.all(this.#starting.values());
      const answers = await Promise.all(
        [...this.#processes.values()].map(({ url }) =>
          fetch(`${url}/-/ready`).then(
            ({ ok }) => ok,
            () => false,
          ),
        ),
      );
      if (answers.every((ok) => ok)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      for (const [name, tidemark] of this.#processes) {
        const { exit } = tidemark.process;
        if (exit === undefined || this.#starting.has(name)) continue;
        if (exit.signal !== 'SIGKILL') this.fell.push(`${name}: ${tidemark.logs.slice(-1500)}`);
        this.#starting.set(name, this.#again(name, tidemark));
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await Promise.all(this.#starting.values());
  }

  async #again(name: Name, tidemark: Tidemark): Promise<void> {
    try {
      while (!this.#isOver) {
        try {
          await tidemark.restart();
          return;
        } catch (error) {
          this.fell.push(`${name} while it started: ${String(error).slice(-1500)}`);
        }
      }
    } finally {
      this.#starting.delete(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
    await this.#cleanup.disposeAsync();
  }
}
