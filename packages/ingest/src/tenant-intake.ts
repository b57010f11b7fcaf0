import type { Clock } from '@tidemark/base';
import { type SeriesSection, tenantHash } from '@tidemark/model';
import { ActiveSeries } from './admission/active-series.ts';
import { TokenBucket } from './admission/token-bucket.ts';
import { tooManyTenants } from './errors.ts';
import type { IngestOptions } from './options.ts';
import type { WireLabels } from './protocol/wire-labels.ts';
import type { Routes } from './route/routes.ts';
import { SeriesDirectory } from './series/directory.ts';
import { SectionTable } from './series/section-table.ts';

export interface IntakeParts {
  readonly labels: WireLabels;
  readonly seed: number;
  readonly routes: Routes;
}

/** What the write path remembers of one tenant. */
export class TenantIntake {
  readonly name: string;
  readonly hash: number;
  readonly directory: SeriesDirectory;
  readonly active: ActiveSeries;
  readonly bucket: TokenBucket;
  /** What the owner last counted for this tenant's directory. */
  accountedBytes = 0;
  readonly #options: IngestOptions;
  readonly #routes: Routes;
  #tables = new WeakMap<SeriesSection, SectionTable>();

  constructor(name: string, options: IngestOptions, { labels, seed, routes }: IntakeParts, nowMs: number) {
    this.name = name;
    this.hash = tenantHash(name);
    this.#options = options;
    this.#routes = routes;
    const { sectionBytesMax } = options;
    this.directory = new SeriesDirectory({ tenantHash: this.hash, routes, seed, sectionBytesMax }, labels);
    this.active = new ActiveSeries(options);
    this.bucket = new TokenBucket({ perSecond: options.samplesPerSecondMax, burst: options.burstSamplesMax }, nowMs);
  }

  /** The options have changed. */
  takeLimits(): void {
    const { activeSeriesMax, samplesPerSecondMax, burstSamplesMax } = this.#options;
    this.active.max = activeSeriesMax;
    this.bucket.change({ perSecond: samplesPerSecondMax, burst: burstSamplesMax });
  }

  /** Ways have changed: series find theirs anew. */
  forgetWays(): void {
    this.directory.clear();
    this.#tables = new WeakMap();
  }

  /** The table of a batch's section, made once for as long as the section lives. */
  tableOf(section: SeriesSection): SectionTable {
    const known = this.#tables.get(section);
    if (known) return known;
    const table = new SectionTable(section, this.hash, this.#routes, this.#options);
    this.#tables.set(section, table);
    return table;
  }
}

/** Tenants with state, at most `tenantsMax`: a name in a header is free, so whoever makes them up must not fill memory and disk. */
export class TenantIntakes {
  readonly #clock: Clock;
  readonly #options: IngestOptions;
  readonly #parts: IntakeParts;
  readonly #byName = new Map<string, TenantIntake>();
  #directoryBytes = 0;
  directoryClears = 0;

  constructor(parts: IntakeParts & { readonly clock: Clock }, options: IngestOptions) {
    this.#clock = parts.clock;
    this.#parts = parts;
    this.#options = options;
  }

  get directoryBytes(): number {
    return this.#directoryBytes;
  }

  all(): Iterable<TenantIntake> {
    return this.#byName.values();
  }

  /** The tenant's state, ready for a request: its windows turned, memory within limits. Throws `INGEST_TENANT_LIMIT`. */
  begin(name: string, nowMs: number): TenantIntake {
    let tenant = this.#byName.get(name);
    if (!tenant) {
      if (this.#byName.size >= this.#options.tenantsMax) throw tooManyTenants(name, this.#options);
      tenant = new TenantIntake(name, this.#options, this.#parts, nowMs);
      this.#byName.set(name, tenant);
    }
    this.#account(tenant);
    // Here, before the request, because refs must not be taken away within one.
    if (this.#directoryBytes > this.#options.directoryBytesMax) this.#clearLargest();
    tenant.active.turn(nowMs);
    return tenant;
  }

  /** `[tenant], active series`, for the metrics page. */
  *activeSeries(): Iterable<readonly [values: readonly string[], value: number]> {
    const nowMs = this.#clock.nowMs();
    for (const tenant of this.#byName.values()) {
      tenant.active.turn(nowMs);
      yield [[tenant.name], tenant.active.size];
    }
  }

  #account(tenant: TenantIntake): void {
    const { bytes } = tenant.directory;
    this.#directoryBytes += bytes - tenant.accountedBytes;
    tenant.accountedBytes = bytes;
  }

  #clearLargest(): void {
    let largest: TenantIntake | undefined;
    for (const tenant of this.#byName.values()) {
      if (!largest || tenant.accountedBytes > largest.accountedBytes) largest = tenant;
    }
    if (!largest) return;
    largest.directory.clear();
    this.directoryClears++;
    this.#account(largest);
  }
}
