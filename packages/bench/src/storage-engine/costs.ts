// What a row spends: CPU seconds of the whole process, all threads, by what they were spent on.
//
//   total  =  generating (left out)  +  apply  +  checkpoint  +  seal  +  others (LevelDB, collectors of garbage, between)

export type Stage = 'apply' | 'checkpoint' | 'seal';

export class Costs {
  readonly #began = cpuSeconds();
  readonly #spent: Record<Stage, number> = { apply: 0, checkpoint: 0, seal: 0 };
  #generating = 0;
  #total: number | undefined;

  /** Makes input: its share of this thread is no cost of the row. */
  generate<T>(make: () => T): T {
    const began = process.threadCpuUsage();
    const made = make();
    const { user, system } = process.threadCpuUsage(began);
    this.#generating += (user + system) / 1e6;
    return made;
  }

  spend<T>(stage: Stage, work: () => T): T {
    const began = cpuSeconds();
    const result = work();
    if (!(result instanceof Promise)) {
      this.#spent[stage] += cpuSeconds() - began;
      return result;
    }
    return result.finally(() => {
      this.#spent[stage] += cpuSeconds() - began;
    }) as T;
  }

  /** Nothing after this counts. */
  end(): void {
    this.#total ??= cpuSeconds() - this.#began - this.#generating;
  }

  /** CPU seconds, and of them each stage's. */
  read(): { readonly total: number; readonly others: number } & Readonly<Record<Stage, number>> {
    this.end();
    const total = this.#total as number;
    const { apply, checkpoint, seal } = this.#spent;
    return { total, apply, checkpoint, seal, others: total - apply - checkpoint - seal };
  }
}

export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
