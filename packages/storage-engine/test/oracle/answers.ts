// What a store must answer, by what its log says and by nothing else: the last in log order of each (series, time) stands, a row of a greater
// revision over one of a lesser, and a delete takes what came before it. No product code here: series are texts, values are texts of
// their bits, a log is a list.

export interface Series {
  readonly metric: string;
  readonly instance: string;
}

/** A number, or a histogram: whatever it is, its text says all of it. */
export interface Sample extends Series {
  readonly timeMs: number;
  readonly text: string;
}

export interface Row extends Series {
  readonly endMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly generation: number;
  readonly offset: number;
  readonly text: string;
}

/** A record of the log of samples. In one record a histogram stands over a number of its time. */
export type Said =
  | { readonly kind: 'samples'; readonly tenant: string; readonly numbers: Sample[]; readonly histograms: Sample[] }
  | ({ readonly kind: 'delete'; readonly tenant: string } & Deleted);

export interface Deleted {
  readonly metrics: readonly string[];
  readonly instances: readonly string[];
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
}

export interface Asked {
  readonly tenant: string;
  readonly metric: string;
  readonly butInstance: string;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

/** By series, by time, what stands there. */
export type Answer = Map<string, Map<number, string>>;

export const nameOf = ({ metric, instance }: Series) => `${metric}{instance="${instance}"}`;

/** A number by its 64 bits: NaNs with payloads and -0 are others than NaN and 0. */
export function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

/** The marker that says that a series has ended, by its bits. */
export const STALE = '7ff0000000000002';

const isMeant = ({ metrics, instances }: Deleted, { metric, instance }: Series) =>
  metrics.includes(metric) && instances.includes(instance);

const isAsked = ({ metric, butInstance, startMs, endMs }: Asked, series: Series, timeMs: number) =>
  series.metric === metric && series.instance !== butInstance && timeMs >= startMs && timeMs < endMs;

export function samplesOf(log: readonly Said[], asked: Asked): Answer {
  const standing = new Map<string, Sample>();
  for (const said of log) {
    if (said.tenant !== asked.tenant) continue;
    if (said.kind === 'samples')
      for (const one of [...said.numbers, ...said.histograms]) standing.set(`${nameOf(one)} ${one.timeMs}`, one);
    else
      for (const [key, one] of standing)
        if (isMeant(said, one) && one.timeMs >= said.startMs && one.timeMs <= said.endMs) standing.delete(key);
  }
  return answerOf([...standing.values()].filter((one) => isAsked(asked, one, one.timeMs)));
}

/** `log`: of samples; a delete is one of its records, and takes rows that had read no further and lie wholly in its time. */
export function rowsOf(
  records: readonly { tenant: string; rows: readonly Row[] }[],
  log: readonly Said[],
  asked: Asked,
): Answer {
  const isDeleted = (row: Row) =>
    log.some(
      (said, offset) =>
        said.kind === 'delete' &&
        said.tenant === asked.tenant &&
        offset >= row.offset &&
        isMeant(said, row) &&
        row.firstMs >= said.startMs &&
        row.lastMs <= said.endMs,
    );
  const standing = new Map<string, Row>();
  for (const { tenant, rows } of records) {
    if (tenant !== asked.tenant) continue;
    for (const row of rows.filter((one) => isAsked(asked, one, one.endMs) && !isDeleted(one))) {
      const known = standing.get(`${nameOf(row)} ${row.endMs}`);
      const isOlder = known && (known.generation - row.generation || known.offset - row.offset) > 0;
      if (!isOlder) standing.set(`${nameOf(row)} ${row.endMs}`, row);
    }
  }
  return answerOf([...standing.values()].map((row) => ({ ...row, timeMs: row.endMs })));
}

function answerOf(samples: readonly Sample[]): Answer {
  const answer: Answer = new Map();
  for (const one of [...samples].sort((a, b) => a.timeMs - b.timeMs)) {
    const points = answer.get(nameOf(one)) ?? new Map<number, string>();
    answer.set(nameOf(one), points.set(one.timeMs, one.text));
  }
  return answer;
}

/** The newest of each series alone. */
export function newestOf(answer: Answer): Map<string, string> {
  return new Map(
    [...answer].map(([series, points]) => {
      const lastMs = Math.max(...points.keys());
      return [series, `${lastMs} ${points.get(lastMs)}`];
    }),
  );
}
