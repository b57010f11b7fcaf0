import { SelfMetrics } from '@tidemark/base';
import {
  BatchBuilder,
  decodeRowBatch,
  encodeSampleBatch,
  labelsOf,
  type RowBatch,
  sectionLabels,
  writeStale,
} from '@tidemark/model';
import { createRollupTopology, type RollupOptions, rollupMetrics, type StateStore } from '@tidemark/stream-rollup';
import { TopologyTestDriver } from '@tidemark/stream-rollup/testing';

// The rollup in a test driver, fed by batches written as `time, points`, with rows as lines.

/** `10:01:05` of a day at the beginning of an hour; tests happen around ten. */
export function at(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  return 1_700_006_400_000 + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

const timeOf = (ms: number) => new Date(ms - 1_700_006_400_000).toISOString().slice(11, 19);

export interface Point {
  readonly series: string;
  readonly time: string;
  readonly value: number | 'stale';
}

export const point = (series: string, time: string, value: number | 'stale'): Point => ({ series, time, value });

/** What tests look at of the store of open windows. */
interface WindowNumbers extends StateStore {
  readonly windowCount: number;
  readonly seriesCount: number;
  readonly tenants: readonly unknown[];
  memoryBytes(): { readonly points: number; readonly pool: number };
}

export class RollupRun {
  readonly driver: TopologyTestDriver;
  readonly metrics = rollupMetrics(new SelfMetrics());
  sections: RowBatch['series'][] = [];
  readonly #marks: string[] = [];
  readonly #hoursKept: string[] = [];

  private constructor(driver: TopologyTestDriver, metrics: ReturnType<typeof rollupMetrics>) {
    this.driver = driver;
    this.metrics = metrics;
  }

  static async start(options: Partial<RollupOptions> = {}): Promise<RollupRun> {
    const metrics = rollupMetrics(new SelfMetrics());
    const topology = createRollupTopology({ generation: 3, metrics, options });
    return new RollupRun(await TopologyTestDriver.start(topology, { startMs: at('10:00:00') }), metrics);
  }

  /** One batch, admitted at `admitted`. Returns the rows that came of it. */
  pipe(admitted: string, points: readonly Point[] = [], tenant = 'default'): string[] {
    const builder = new BatchBuilder(tenant);
    for (const { series, time, value } of points) {
      builder.addLabels(labelsOf({ __name__: series }), at(time), value === 'stale' ? 0 : value);
    }
    const batch = builder.build(at(admitted));
    points.forEach(({ value }, i) => {
      if (value === 'stale') writeStale(batch.values, i);
    });
    this.driver.pipe('tidemark.raw', { value: encodeSampleBatch(batch), timestampMs: at(admitted) });
    return this.rows();
  }

  rows(): string[] {
    return this.#read('tidemark.1m');
  }

  get windows(): WindowNumbers {
    return this.driver.store<WindowNumbers>('open-windows');
  }

  /** Of hours. */
  hours(): string[] {
    const lines = this.#read('tidemark.1h');
    this.#marks.push(...lines.filter((line) => line.startsWith('mark ')));
    return lines.filter((line) => !line.startsWith('mark '));
  }

  /** `mark tenant series hour: closed through T @offset`. Reads what `hours` has passed, too. */
  marks(): string[] {
    this.#hoursKept.push(...this.hours());
    return this.#marks.splice(0);
  }

  /** `tenant series end: count sum first-last +increase @revision` */
  #read(topic: string): string[] {
    const kept = topic === 'tidemark.1h' ? this.#hoursKept.splice(0) : [];
    const lines = this.driver.outputs(topic).flatMap(({ value }) => {
      const { tenant, series, rows } = decodeRowBatch(value as Uint8Array);
      this.sections.push(series);
      return Array.from({ length: rows.length }, (_, i) => {
        const name = sectionLabels(series, rows.series[i] as number)[0]?.value;
        const at = `${tenant} ${name} ${timeOf(rows.endMs[i] as number)}:`;
        if (rows.generation[i] === 0) {
          return `mark ${at} closed through ${timeOf(rows.lastMs[i] as number)} @${rows.offset[i]}`;
        }
        const sum = (rows.sum[i] as number) + (rows.compensation[i] as number);
        return `${at} ${rows.count[i]} ${sum} ${rows.first[i]}-${rows.last[i]} +${rows.increase[i]} @${rows.generation[i]}.${rows.offset[i]}`;
      });
    });
    return [...kept, ...lines];
  }

  dropped(reason: string): number {
    return this.metrics.droppedPoints.with(reason).value();
  }
}
