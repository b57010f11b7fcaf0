import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// `<folder>/processes.json`: who runs on this folder, so that no second stack starts on it, nor one beside what a stack that was
// killed has left behind. It is written at each start and end of a process, and goes when the stack has ended.

export interface Noted {
  readonly name: string;
  readonly pid: number;
}

export class RunningFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'processes.json');
  }

  /** Throws when somebody who is noted still runs. */
  claim(): void {
    const left = this.#noted().filter(({ pid }) => isRunning(pid));
    if (left.length === 0) return;
    const names = left.map(({ name, pid }) => `${name} (${pid})`).join(', ');
    throw new Error(
      `on this folder there runs already: ${names}. End that stack, or what it left when it was killed: kill ${left.map(({ pid }) => pid).join(' ')}. If these are other programs by now, remove ${this.#path}`,
    );
  }

  note(running: readonly Noted[]): void {
    writeFileSync(this.#path, `${JSON.stringify(running, null, 1)}\n`);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  #noted(): readonly Noted[] {
    if (!existsSync(this.#path)) return [];
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Noted[];
    } catch {
      return []; // cut off while it was written: the next stack will find its ports taken
    }
  }
}

/** Signal 0 asks only. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
