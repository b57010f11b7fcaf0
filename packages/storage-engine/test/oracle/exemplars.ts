// Which exemplars are kept of what was said, as Prometheus has it: the newest again is no news, and what is not later than the newest is
// not taken. No product code here.

export interface SaidExemplar {
  readonly tenant: string;
  readonly metric: string;
  readonly le: string;
  readonly trace: string;
  readonly timeMs: number;
  readonly value: number;
  readonly hasNoTime: boolean;
}

export class ExemplarOracle {
  readonly #series = new Map<string, SaidExemplar[]>();

  add(said: SaidExemplar): void {
    const key = [said.tenant, said.metric, said.le].join();
    const held = this.#series.get(key) ?? [];
    const newest = held.at(-1);
    if (newest) {
      const timeMatters = !(said.hasNoTime && newest.hasNoTime);
      const isSame = newest.trace === said.trace && newest.value === said.value;
      if (isSame && !(timeMatters && newest.timeMs !== said.timeMs)) return;
      if (said.timeMs <= newest.timeMs) return;
    }
    this.#series.set(key, [...held, said]);
  }

  select(tenant: string, metric: string, startMs: number, endMs: number): string[] {
    const all = [...this.#series.values()].flat();
    return all
      .filter((p) => p.tenant === tenant && p.metric === metric && p.timeMs >= startMs && p.timeMs < endMs)
      .map(shown)
      .sort();
  }
}

export const shown = ({ metric, le, trace, timeMs, value }: Omit<SaidExemplar, 'tenant' | 'hasNoTime'>) =>
  `${metric} ${le} ${trace} ${value}@${timeMs}`;
