import {
  leftOpen,
  type Matcher,
  RESOLUTION_MS,
  type Resolution,
  type SelectedSeries,
  type SeriesSource,
} from '@tidemark/model';
import { type Queryable, type SelectorAnswer, type SelectorRequest, SPAN_SLOTS } from '@tidemark/promql';
import type { Preference } from '../plan/preference.ts';
import { type Piece, planTiers, type Tier, type TierRetention } from '../plan/tier.ts';
import { Stitch } from './stitch.ts';

// A source for one question: each selector from the tiers that the plan names, oldest first, put together as one list of spans.
//
//   plan        [ 1h ────────][ 1m ─────────────][ raw ]
//   there is       (·)(·)(·)   (·)(·)(·)                     rows end where the rollup stands, which may be before the plan's
//   then read   [1m]           1m         [ raw ──────]      edge, and hours begin where they were first made: what they leave
//                                                            open is asked of the next finer tier
//
// All from raw: handed through as it is, and the engine never hears of spans.

export interface TieredSourceOptions {
  readonly source: SeriesSource;
  /** Of what the matchers may find; of several lengths, the shortest. */
  readonly retentionOf: (tenant: string, matchers: readonly Matcher[]) => TierRetention;
  readonly preference: Preference;
  readonly nowMs: number;
}

export function tieredSource(options: TieredSourceOptions): Queryable {
  return { select: (request) => select(options, request) };
}

/** As planned for one selector. */
type Planned = TieredSourceOptions & { readonly retentionMs: TierRetention };

async function select(given: TieredSourceOptions, request: SelectorRequest): Promise<SelectorAnswer> {
  const { use, range } = request;
  const options: Planned = { ...given, retentionMs: given.retentionOf(request.tenant, request.matchers) };
  const pieces = planTiers({ ...options, afterMs: range.startMs - 1, untilMs: range.endMs - 1, use });
  if (pieces.every(({ tier }) => tier === 'raw')) return options.source.select(request);
  const reading = new Reading(options, request);
  for (const piece of pieces) if (piece.tier !== 'raw') await reading.rows(piece, piece.tier);
  await reading.raw();
  return reading.answer();
}

const isMixed = ({ histograms }: SelectedSeries) => histograms !== undefined;

class Reading {
  readonly #options: Planned;
  readonly #request: SelectorRequest;
  readonly #stitch: Stitch;
  readonly #warnings = new Set<string>();
  readonly #tiers = new Set<Tier>();
  /** Of an instant one lookback more: a value stands until the next one, and whether one follows is known only by looking on. */
  readonly #untilMs: number;
  /** All up to here was asked of some tier that has it. */
  #coveredMs: number;

  constructor(options: Planned, request: SelectorRequest) {
    const { use, range } = request;
    this.#options = options;
    this.#request = request;
    this.#stitch = new Stitch(use.columns);
    const lookOnMs = use.kind === 'instant' ? use.rangeMs : 0;
    this.#untilMs = Math.max(range.endMs - 1, Math.min(range.endMs - 1 + lookOnMs, options.nowMs));
    this.#coveredMs = range.startMs - 1;
  }

  async rows(piece: Piece, tier: Resolution): Promise<void> {
    const rowMs = RESOLUTION_MS[tier];
    const isLast = piece.untilMs === this.#request.range.endMs - 1;
    // Windows that begin before the range, or end after it, reach into it as well.
    const afterMs = Math.floor(this.#coveredMs / rowMs) * rowMs;
    const untilMs = Math.ceil((isLast ? this.#untilMs : piece.untilMs) / rowMs) * rowMs;
    const { startMs, endMs } = await this.#readRows(tier, afterMs, untilMs);
    if (tier === '1h' && startMs > afterMs && this.#options.retentionMs['1m'] > 0) {
      await this.#readRows('1m', afterMs, Math.min(startMs, untilMs));
    }
    this.#coveredMs = Math.max(this.#coveredMs, endMs);
  }

  async raw(): Promise<void> {
    if (this.#coveredMs >= this.#untilMs) return;
    const series = await this.#readRaw(this.#coveredMs, this.#untilMs);
    this.#stitch.addRaw(series);
    // Native histograms have no rows: of them, what rows of others covered is read from raw as well.
    const beforeMs = this.#request.range.startMs - 1;
    if (this.#coveredMs <= beforeMs || !series.some(isMixed)) return;
    this.#stitch.addRaw((await this.#readRaw(beforeMs, this.#coveredMs)).filter(isMixed));
  }

  async #readRaw(afterMs: number, untilMs: number): Promise<readonly SelectedSeries[]> {
    const { limits, use } = this.#request;
    const answer = await this.#options.source.select({
      ...this.#request,
      // Beyond the range as well, to know whether a value is followed by another.
      newestOnly: false,
      each: undefined,
      range: leftOpen(afterMs, untilMs),
      limits: { ...limits, samplesMax: use.kind === 'samples' ? limits.samplesMax : this.#rowsLeft() },
    });
    for (const warning of answer.warnings) this.#warnings.add(warning);
    if (answer.series.length > 0) this.#tiers.add('raw');
    return answer.series;
  }

  answer(): SelectorAnswer {
    const { use } = this.#request;
    const resolutions = (['raw', '1m', '1h'] as const).filter((tier) => this.#tiers.has(tier));
    if (use.kind !== 'samples') {
      const spans = this.#stitch.spans(use.kind === 'instant');
      return { series: this.#stitch.mixed(), spans, warnings: [...this.#warnings], resolutions };
    }
    const exact = this.#stitch.rowCount === 0;
    if (!exact) this.#warnings.add(this.#samplesAreGone());
    return { series: this.#stitch.samples(), warnings: [...this.#warnings], resolutions, exact };
  }

  async #readRows(tier: Resolution, afterMs: number, untilMs: number): Promise<{ startMs: number; endMs: number }> {
    const found = await this.#options.source.selectRows({
      ...this.#request,
      range: leftOpen(afterMs, untilMs),
      limits: { ...this.#request.limits, samplesMax: this.#rowsLeft() },
      resolution: tier,
      columns: this.#request.use.columns,
    });
    for (const warning of found.warnings) this.#warnings.add(warning);
    if (found.series.length > 0) this.#tiers.add(tier);
    return this.#stitch.addRows(found.series, RESOLUTION_MS[tier]);
  }

  /** A row is several numbers, and so is a sample beside rows. */
  #rowsLeft(): number {
    return Math.max(0, Math.floor(this.#request.limits.samplesMax / SPAN_SLOTS) - this.#stitch.rowCount);
  }

  #samplesAreGone(): string {
    const { functionName } = this.#request.use;
    const what = functionName === undefined ? 'a range of samples' : `${functionName}()`;
    const untilMs = new Date(this.#stitch.endMs).toISOString();
    return `${what} needs every sample; up to ${untilMs} rollup rows are read instead, one value for each`;
  }
}
