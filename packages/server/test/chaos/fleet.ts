import { type RealProcess, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import type { Fall } from './falls.ts';

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
  /** What each wrote last in the life before its present one. */
  readonly #before = new Map<Name, string>();
  #watching: Promise<void> | undefined;
  #isOver = false;
  /** Ended without being told to. */
  readonly fell: Fall[] = [];

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
    const process = await this.#running(name);
    await process.kill9();
  }

  /** SIGSTOP, and SIGCONT so much later: it hears and says nothing, and its connections stay open. */
  async stopFor(name: Name, ms: number): Promise<void> {
    const process = await this.#running(name);
    process.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    process.signal('SIGCONT');
  }

  /** One that is about to start again is waited for: a fault strikes somebody. */
  async #running(name: Name): Promise<RealProcess> {
    for (;;) {
      await this.#starting.get(name);
      const { process } = this.of(name);
      if (process.exit === undefined) return process;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** What each wrote last, in its last two lives. */
  get lastWords(): string {
    const lives = [...this.#processes].map(([name, { logs }]) => {
      const before = this.#before.get(name);
      return `${before === undefined ? '' : `--- ${name}, before\n${before}\n`}--- ${name}\n${logs.slice(-LAST_WORDS)}`;
    });
    return lives.join('\n');
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
        if (exit.signal !== 'SIGKILL') this.#fell(name, true, tidemark.logs);
        this.#before.set(name, tidemark.logs.slice(-LAST_WORDS));
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
          this.#fell(name, false, String(error));
        }
      }
    } finally {
      this.#starting.delete(name);
    }
  }

  #fell(name: Name, wasReady: boolean, words: string): void {
    this.fell.push({ name, wasReady, atMs: performance.now(), words: words.slice(-LAST_WORDS) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
    await this.#cleanup.disposeAsync();
  }
}
