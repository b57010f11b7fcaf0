import { seededRandom } from '@tidemark/base';
import {
  BatchBuilder,
  labelsOf,
  labelValue,
  type Matcher,
  makeRowColumns,
  matcher,
  type Resolution,
  type RetentionRule,
} from '@tidemark/model';
import { expect } from 'vitest';
import type { StorageOptions } from '../src/index.ts';
import { decodeSegmentManifest } from '../src/tiering/manifest.ts';
import { type KeptPoint, kept, keptMs } from './oracle/kept.ts';
import { World } from './world.ts';

// Samples and rows of some tenants and metrics, and what of them is kept by rules, said in the plainest way (oracle/kept.ts).

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const RAW = { topic: 'tidemark.raw', partition: 0 };
export const ROWS = { topic: 'tidemark.1m', partition: 0 };
export type KeptIn = 'raw' | '1m';

export type Point = KeptPoint;

export class KeptWorld {
  readonly world: World;
  readonly log: Readonly<Record<KeptIn, (readonly Point[])[]>> = { raw: [], '1m': [] };
  defaults: Readonly<Record<'raw' | Resolution, number>>;
  rules: readonly RetentionRule[];

  constructor(options: Partial<StorageOptions> & Pick<StorageOptions, 'retentionMs' | 'retentionRules'>, seed = 1) {
    this.world = new World(seededRandom(seed));
    this.world.options = { supplementAfterMs: 0, ...options };
    this.defaults = options.retentionMs;
    this.rules = options.retentionRules;
  }

  change(defaults: KeptWorld['defaults'], rules: readonly RetentionRule[]): void {
    this.defaults = defaults;
    this.rules = rules;
    this.world.options = { ...this.world.options, retentionMs: defaults, retentionRules: rules };
    this.world.engine.setRetention(defaults, rules);
  }

  say(tier: KeptIn, points: readonly Point[]): void {
    for (const tenant of new Set(points.map((point) => point.tenant))) {
      this.log[tier].push(points.filter((point) => point.tenant === tenant));
    }
    this.catchUp();
  }

  catchUp(): void {
    for (const [tier, tp] of [
      ['raw', RAW],
      ['1m', ROWS],
    ] as const) {
      for (let offset = this.world.engine.position(tp); offset < this.log[tier].length; offset++) {
        this.#apply(tier, offset, this.log[tier][offset] as readonly Point[]);
      }
    }
  }

  #apply(tier: KeptIn, offset: number, points: readonly Point[]): void {
    const builder = new BatchBuilder(points[0]?.tenant as string);
    const nowMs = this.world.clock.nowMs();
    for (const { metric, atMs, value } of points) builder.addLabels(labelsOf({ __name__: metric }), atMs, value);
    const batch = builder.build(nowMs);
    if (tier === 'raw') {
      this.world.engine.applySamples({ ...RAW, offset, batch });
      return;
    }
    const rows = makeRowColumns(points.length);
    for (const [i, { atMs, value }] of points.entries()) {
      rows.series[i] = batch.sampleSeries[i] as number;
      rows.endMs[i] = atMs;
      rows.firstMs[i] = rows.lastMs[i] = atMs - 1;
      rows.count[i] = rows.generation[i] = 1;
      rows.sum[i] = value;
    }
    const record = { tenant: batch.tenant, resolution: '1m' as const, admittedAtMs: nowMs, series: batch.series, rows };
    this.world.engine.applyRows({ ...ROWS, offset, batch: record });
  }

  keptMs(tier: KeptIn, point: Pick<Point, 'tenant' | 'metric'>): number {
    return keptMs(point, tier, this.rules, this.defaults[tier]);
  }

  /** What there is to be had, if retention was applied just now: `metric time` -> value. */
  expected(tier: KeptIn, tenant: string, metrics: readonly string[]): Map<string, number> {
    const nowMs = this.world.clock.nowMs();
    return kept(this.log[tier].flat(), { tenant, metrics }, tier, this.rules, this.defaults[tier], nowMs);
  }

  async answer(tier: KeptIn, tenant: string, matchers: readonly Matcher[]): Promise<Map<string, number>> {
    const points = new Map<string, number>();
    const request = {
      tenant,
      matchers,
      range: { startMs: 0, endMs: this.world.clock.nowMs() + DAY },
      limits: { seriesMax: 1000, samplesMax: 1e7 },
      signal: new AbortController().signal,
    };
    const add = (metric: string, times: Float64Array, values: Float64Array) => {
      for (const [i, atMs] of times.entries()) points.set(`${metric} ${atMs}`, values[i] as number);
    };
    const source = this.world.engine.source();
    if (tier === 'raw') {
      const { series, warnings } = await source.select(request);
      expect(warnings).toEqual([]);
      for (const { labels, timestampsMs, values } of series) add(labelValue(labels, '__name__'), timestampsMs, values);
      await this.#newest(request, points);
    } else {
      const { series, warnings } = await source.selectRows({ ...request, resolution: '1m' });
      expect(warnings).toEqual([]);
      for (const { labels, rows } of series) add(labelValue(labels, '__name__'), rows.endMs, rows.sum);
    }
    return new Map([...points].sort());
  }

  /** The newest alone is the newest of all. */
  async #newest(
    request: Omit<Parameters<ReturnType<World['engine']['source']>['select']>[0], 'newestOnly'>,
    points: ReadonlyMap<string, number>,
  ): Promise<void> {
    const lastOf = new Map<string, number>();
    for (const key of points.keys()) {
      const [metric, atMs] = key.split(' ') as [string, string];
      lastOf.set(metric, Math.max(lastOf.get(metric) ?? 0, Number(atMs)));
    }
    const { series } = await this.world.engine.source().select({ ...request, newestOnly: true });
    const found = series.map(({ labels, timestampsMs }) => [labelValue(labels, '__name__'), timestampsMs.at(-1)]);
    expect(new Map(found as [string, number][])).toEqual(lastOf);
  }

  /** Whether both are the same, for a metric alone and for all that a pattern finds. */
  async check(tenants: readonly string[], metrics: readonly string[]): Promise<void> {
    for (const tenant of tenants) {
      for (const tier of ['raw', '1m'] as const) {
        for (const metric of metrics) {
          const alone = await this.answer(tier, tenant, [matcher('=', '__name__', metric)]);
          expect(alone, `${tier} ${tenant} ${metric}`).toEqual(this.expected(tier, tenant, [metric]));
        }
        const all = await this.answer(tier, tenant, [matcher('=~', '__name__', '.+')]);
        expect(all, `${tier} ${tenant}`).toEqual(this.expected(tier, tenant, metrics));
      }
    }
  }

  async entries(tp = RAW) {
    const { bytes } = await this.world.objects.get(`manifests/${tp.topic}/${tp.partition}.manifest`);
    return decodeSegmentManifest(bytes).entries;
  }

  async seal(): Promise<void> {
    await this.world.engine.checkpoint();
    await this.world.engine.seal();
  }
}

export const named = (metric: string): Matcher[] => [matcher('=', '__name__', metric)];
