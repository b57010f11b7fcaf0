import {
  decodeLabels,
  type Exemplar,
  type ExemplarColumns,
  type ExemplarRequest,
  exemplarLabelBytes,
  labelStart,
  labelValue,
  type Matcher,
  METRIC_NAME,
  type SampleBatch,
  type SelectAnswer,
  type SelectedExemplars,
} from '@tidemark/model';
import type { Turns } from '../read/turns.ts';
import { PAGE_BYTES } from './pages.ts';
import { type ExemplarSeries, type NewExemplar, TenantExemplars } from './tenant-exemplars.ts';

// The latest exemplars of each tenant.
//
//   record ─ exemplars of its series ─ later than the series' newest? ─ pages of the tenant ─▶ select
//                                                                        └ over bytesMax: the oldest go
//
// They are not kept as samples are: in memory and in one file (exemplars-file.ts), as many as fit, for as long as the retention.
// One tenant's never push out another's, unless all together are too many: then the largest tenant's go.

export interface ExemplarLimits {
  /** Memory of one tenant's. */
  readonly bytesPerTenant: number;
  /** Memory of all. */
  readonly bytesMax: number;
  readonly retentionMs: number;
}

const LOST = 'the file of exemplars was damaged, and its copy: those from before are lost';

export type ExemplarCount = 'stored' | 'duplicate' | 'out_of_order' | 'malformed' | 'too_old' | 'evicted' | 'expired';

export class Exemplars {
  readonly #limits: ExemplarLimits;
  readonly #tenants = new Map<string, TenantExemplars>();
  readonly counts: Record<ExemplarCount, number> = {
    stored: 0,
    duplicate: 0,
    out_of_order: 0,
    malformed: 0,
    too_old: 0,
    evicted: 0,
    expired: 0,
  };
  #bytes = 0;
  #changed = false;
  /** Of what came before this nothing is left: its file was damaged. */
  #lostMs = Number.NEGATIVE_INFINITY;

  constructor(limits: ExemplarLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    let count = 0;
    for (const { pages } of this.#tenants.values()) count += pages.count;
    return count;
  }

  tenants(): ReadonlyMap<string, TenantExemplars> {
    return this.#tenants;
  }

  /** Takes what a record brings. What is refused is counted, and costs nothing else of the record. */
  apply({ tenant, series }: SampleBatch, columns: ExemplarColumns, nowMs: number): void {
    for (let i = 0; i < columns.series.length; i++) {
      const at = columns.series[i] as number;
      this.add(
        tenant,
        {
          series: series.labelBytes.subarray(labelStart(series, at), series.labelEnds[at]),
          timestampMs: columns.timestampsMs[i] as number,
          value: columns.values[i] as number,
          labels: exemplarLabelBytes(columns, i),
          hasNoTime: columns.hasNoTime?.[i] === 1,
        },
        nowMs,
      );
    }
  }

  add(tenant: string, one: NewExemplar, nowMs: number): void {
    const { retentionMs, bytesPerTenant, bytesMax } = this.#limits;
    if (bytesPerTenant === 0) return;
    if (one.timestampMs < nowMs - retentionMs) return void this.counts.too_old++;
    const own = this.#tenants.get(tenant) ?? new TenantExemplars();
    const before = own.bytes;
    const outcome = own.add(one, bytesPerTenant, () => this.counts.evicted++);
    this.counts[outcome]++;
    if (outcome !== 'stored') return;
    this.#tenants.set(tenant, own);
    this.#bytes += own.bytes - before;
    this.#changed = true;
    while (this.#bytes > bytesMax && this.#dropOfLargest(bytesMax));
  }

  /**
   * Series with exemplars in the range, those of each series rising. The limit is of exemplars; what is beyond is said in a warning.
   * Appends go on meanwhile: what they push out may be missing.
   */
  async select(request: ExemplarRequest, nowMs: number, turns: Turns): Promise<SelectAnswer<SelectedExemplars>> {
    const { tenant, selectors, limit } = request;
    const range = { ...request.range, startMs: Math.max(request.range.startMs, nowMs - this.#limits.retentionMs) };
    const own = this.#tenants.get(tenant);
    const series: SelectedExemplars[] = [];
    const warnings = range.startMs < this.#lostMs ? [LOST] : [];
    let left = limit;
    for (const one of own === undefined ? [] : candidates(own, selectors)) {
      if (turns.due()) await turns.take();
      const labels = decodeLabels(one.labels);
      if (!selectors.some((matchers) => matchers.every((m) => m.matches(labelValue(labels, m.name))))) continue;
      const exemplars = own === undefined ? [] : await inRange(own, one, range, turns);
      if (exemplars.length === 0) continue;
      if (exemplars.length > left) {
        warnings.push(`the answer was cut: more than ${limit} exemplars are in the range`);
        return { series: left === 0 ? series : [...series, { labels, exemplars: exemplars.slice(-left) }], warnings };
      }
      left -= exemplars.length;
      series.push({ labels, exemplars });
    }
    return { series, warnings };
  }

  /** Drops what is past the retention. */
  expire(nowMs: number): void {
    const oldestMs = nowMs - this.#limits.retentionMs;
    for (const [tenant, own] of this.#tenants) {
      while (own.pages.count > 0 && own.pages.oldest().timestampMs < oldestMs) this.#drop(tenant, own, 'expired');
    }
  }

  /** What was read from the file is no news, unless another is wanted in its place. What is lost answers say until the next start. */
  loaded({ isSettled, isLost }: { readonly isSettled: boolean; readonly isLost: boolean }, nowMs: number): void {
    for (const outcome of Object.keys(this.counts) as ExemplarCount[]) this.counts[outcome] = 0;
    this.#changed = !isSettled;
    if (isLost) this.#lostMs = nowMs;
  }

  /** Whether a file would say anything new. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Before the file is written: what comes from now on asks for another. */
  saving(): void {
    this.#changed = false;
  }

  /** The file could not be written. */
  notSaved(): void {
    this.#changed = true;
  }

  /** A page's worth of the tenant that has most. */
  #dropOfLargest(bytesMax: number): boolean {
    let largest: [string, TenantExemplars] | undefined;
    for (const entry of this.#tenants) if (entry[1].bytes > (largest?.[1].bytes ?? 0)) largest = entry;
    if (largest === undefined) return false;
    const [, own] = largest;
    const enough = own.bytes - PAGE_BYTES;
    while (own.pages.count > 0 && own.bytes > enough && this.#bytes > bytesMax) this.#drop(...largest, 'evicted');
    return true;
  }

  #drop(tenant: string, own: TenantExemplars, why: 'evicted' | 'expired'): void {
    const before = own.bytes;
    own.dropOldest();
    this.#bytes += own.bytes - before;
    this.counts[why]++;
    this.#changed = true;
    if (own.pages.count === 0) this.#tenants.delete(tenant);
  }
}

/** Each series once that one of the selectors may want: by its metric's name where they say it. */
function candidates(own: TenantExemplars, selectors: readonly (readonly Matcher[])[]): Iterable<ExemplarSeries> {
  const found = new Set<ExemplarSeries>();
  for (const matchers of selectors) {
    const names = matchers.find(({ name, literals }) => name === METRIC_NAME && literals !== undefined)?.literals;
    for (const name of names ?? [undefined]) for (const one of own.series(name)) found.add(one);
  }
  return found;
}

async function inRange(
  own: TenantExemplars,
  series: ExemplarSeries,
  { startMs, endMs }: ExemplarRequest['range'],
  turns: Turns,
): Promise<readonly Exemplar[]> {
  const found: Exemplar[] = [];
  for (const { timestampMs, value, labels } of own.ofSeries(series)) {
    if (timestampMs < startMs) break;
    if (timestampMs < endMs) found.push({ labels: decodeLabels(labels), value, timestampMs });
    if (turns.due()) await turns.take();
  }
  return found.reverse();
}
