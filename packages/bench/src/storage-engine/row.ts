// One row of the table: a demand, and what measures it.

export interface RowOptions {
  /** Series, rounded up to whole hosts; undefined: what the row is quick with. */
  readonly series: number | undefined;
  /** Scrapes of each series, 10 s apart; undefined: what the row is about. */
  readonly scrapes: number | undefined;
  readonly seed: number;
  /** Progress. */
  readonly say: (line: string) => void;
}

export interface Figure {
  /** What was stored, and how many samples a series had. */
  readonly what: string;
  readonly figure: string;
  /** What else is worth knowing of it. */
  readonly besides: string;
}

export interface Row {
  readonly name: string;
  /** What is asked for. */
  readonly demand: string;
  run(options: RowOptions): Promise<readonly Figure[]>;
}

/** Three figures. */
export function short(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 1000 ? rounded.toLocaleString('en-US') : String(rounded);
}

/** Says how far it is, now and then. */
export function everySome(say: (line: string) => void, what: string, total: number): (done: number) => void {
  let saidMs = performance.now();
  return (done) => {
    if (performance.now() - saidMs < 5000) return;
    saidMs = performance.now();
    say(`  ${what} ${done} of ${total}`);
  };
}
