import { hashIn } from '@tidemark/base';
import { labelStart, METRIC_NAME, type SeriesSection, seriesId, tenantHash } from '@tidemark/model';
import type { LabelIndex } from '../index/label-index.ts';
import { type LabelPostings, Postings } from '../index/postings.ts';
import { LabelPieces } from './label-pieces.ts';
import { LabelPool } from './label-pool.ts';
import { roomFor } from './room.ts';
import { LABEL_BYTES_MAX } from './shared-labels.ts';

// Who is who in one shard: (tenant, labels) -> a dense number that indexes the head's arrays.
//
//   section ──WeakMap──> refs                 the same section again: nothing to do
//      │ not seen
//      └─ per series: the one that followed the last match last time, verified      155 ns
//                └─ else hash table, verified byte by byte                          551 ns
//                        └─ else new: labels checked, pooled, posted
//
// Refs are given in order of first sight and live until the shard is reloaded, or numbers its series anew (shard/forgetting.ts):
// windows on disk have numbers of their own. Tenants share the numbers, never the lookups: the tenant is part
// of the hash and of the comparison.

/** Stands where a series was refused. */
export const NO_REF = 0xffff_ffff;

export interface Refusals {
  /** Counts refused series by reason: `labels_too_long`, `labels_invalid`, `series_limit`. */
  refuse(reason: string, count: number): void;
}

// Behind all others.
const NO_METRIC = 0x7fff_ffff;

const ENCODER = new TextEncoder();
/** Of the series that is being added. */
const PIECES = new LabelPieces();

/** One tenant's series in a shard. */
export class TenantSeries implements LabelIndex {
  readonly name: string;
  readonly id: number;
  readonly #hash: number;
  readonly #pool: LabelPool;
  readonly #postings = new Postings();
  /** Of `__name__`. */
  #metrics: LabelPostings | undefined;

  constructor(name: string, id: number, pool: LabelPool) {
    this.name = name;
    this.id = id;
    this.#hash = tenantHash(name);
    this.#pool = pool;
  }

  get hash(): number {
    return this.#hash;
  }

  get count(): number {
    return this.#postings.count;
  }

  refs(): number[] {
    return this.#postings.refs();
  }

  postings(name: string): LabelPostings | undefined {
    return this.#postings.get(name);
  }

  names(): Iterable<string> {
    return this.#postings.names();
  }

  labelValue(ref: number, name: string): string {
    return this.#pool.labelValue(ref, ENCODER.encode(name));
  }

  labelBytes(ref: number): Uint8Array {
    return this.#pool.labelBytes(ref);
  }

  /** Posts a series; returns the number of its metric within this tenant. */
  post(ref: number, bytes: Uint8Array, pieces: LabelPieces): number {
    this.#postings.add(ref, bytes, pieces);
    this.#metrics ??= this.#postings.get(METRIC_NAME);
    return this.#metrics?.lastRef === ref ? this.#metrics.lastList : NO_METRIC;
  }
}

export class SeriesRegistry {
  readonly #pool: LabelPool;
  readonly #tenants = new Map<string, TenantSeries>();
  readonly #tenantList: TenantSeries[] = [];
  readonly #resolved = new WeakMap<SeriesSection, { readonly tenant: TenantSeries; readonly refs: Uint32Array }>();
  readonly #seriesMax: number;
  readonly #refusals: Refusals;
  #tenantOf = new Uint32Array(1024);
  #metricOf = new Uint32Array(1024);
  #hashOf = new Uint32Array(1024);
  #nextOf = new Uint32Array(1024).fill(NO_REF);
  #table = new Int32Array(2048).fill(-1);
  #firstOfSection = NO_REF;

  constructor(seriesMax: number, refusals: Refusals, pool: LabelPool = new LabelPool()) {
    this.#pool = pool;
    this.#seriesMax = seriesMax;
    this.#refusals = refusals;
  }

  get count(): number {
    return this.#pool.count;
  }

  /** Of pages that registries of other tiers may have a part in. */
  get labelPoolBytes(): number {
    return this.#pool.bytes;
  }

  /** Where the labels of those that live on go, when the others are left behind: `living` is 1 for them. */
  poolOfLiving(living: Uint8Array): LabelPool {
    return this.#pool.successor(living);
  }

  tenants(): readonly TenantSeries[] {
    return this.#tenantList;
  }

  tenant(name: string): TenantSeries | undefined {
    return this.#tenants.get(name);
  }

  tenantOf(ref: number): TenantSeries {
    return this.#tenantList[this.#tenantOf[ref] as number] as TenantSeries;
  }

  /** Number of the series' metric within its tenant: series of one metric belong side by side. */
  metricOf(ref: number): number {
    return this.#metricOf[ref] as number;
  }

  labelBytes(ref: number): Uint8Array {
    return this.#pool.labelBytes(ref);
  }

  /** Orders series by their canonical labels, as bytes. */
  compareLabels(a: number, b: number): number {
    return this.#pool.compare(a, b);
  }

  /** The durable id: computed, in less time than it takes to fetch one that nobody asked for lately. */
  idOf(ref: number, installationKey: Uint8Array): Uint8Array {
    return seriesId(installationKey, this.tenantOf(ref).name, this.labelBytes(ref));
  }

  /** Refs of a section's series, NO_REF where one was refused (counted, once per section). Don't change the array. */
  resolve(tenantName: string, section: SeriesSection): Uint32Array {
    const known = this.#resolved.get(section);
    if (known !== undefined && known.tenant.name === tenantName) return known.refs;
    const tenant = this.#tenantNamed(tenantName);
    const refs = new Uint32Array(section.count);
    const view = viewOf(section.labelBytes);
    let predicted = this.#firstOfSection;
    let last = NO_REF;
    for (let i = 0; i < section.count; i++) {
      const start = labelStart(section, i);
      const end = section.labelEnds[i] as number;
      let ref = predicted;
      if (ref === NO_REF || this.#tenantOf[ref] !== tenant.id || !this.#pool.equals(ref, view, start, end)) {
        ref = this.resolveOne(tenant, section.labelBytes, start, end, view);
      }
      refs[i] = ref;
      if (ref === NO_REF) continue;
      if (last === NO_REF) this.#firstOfSection = ref;
      else this.#nextOf[last] = ref;
      last = ref;
      predicted = this.#nextOf[ref] as number;
    }
    this.#resolved.set(section, { tenant, refs });
    return refs;
  }

  /** The ref of one label set, made if new. `view`: of `bytes`. */
  resolveOne(tenant: TenantSeries, bytes: Uint8Array, start: number, end: number, view = viewOf(bytes)): number {
    const hash = hashIn(view, start, end, tenant.hash);
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (;;) {
      const ref = this.#table[slot] as number;
      if (ref < 0) break;
      if (this.#hashOf[ref] === hash && this.#tenantOf[ref] === tenant.id && this.#pool.equals(ref, view, start, end)) {
        return ref;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(tenant, bytes, start, end, hash, slot);
  }

  tenantNamed(name: string): TenantSeries {
    return this.#tenantNamed(name);
  }

  #tenantNamed(name: string): TenantSeries {
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      tenant = new TenantSeries(name, this.#tenantList.length, this.#pool);
      this.#tenants.set(name, tenant);
      this.#tenantList.push(tenant);
    }
    return tenant;
  }

  #add(tenant: TenantSeries, bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const reason = this.#refusal(end - start);
    if (reason !== undefined) {
      this.#refusals.refuse(reason, 1);
      return NO_REF;
    }
    if (!PIECES.read(bytes, start, end)) {
      this.#refusals.refuse('labels_invalid', 1);
      return NO_REF;
    }
    const ref = this.#pool.add(bytes, start, end);
    if (ref === undefined) {
      this.#refusals.refuse('series_limit', 1);
      return NO_REF;
    }
    if (ref === this.#tenantOf.length) this.#grow();
    this.#tenantOf[ref] = tenant.id;
    this.#hashOf[ref] = hash;
    this.#metricOf[ref] = tenant.post(ref, bytes, PIECES);
    this.#table[slot] = ref;
    // Linear probing stays short below one half full.
    if (this.#pool.count * 2 > this.#table.length) this.#rehash();
    return ref;
  }

  #refusal(length: number): string | undefined {
    if (length > LABEL_BYTES_MAX) return 'labels_too_long';
    if (this.#pool.count >= this.#seriesMax) return 'series_limit';
    return undefined;
  }

  #grow(): void {
    const size = roomFor(this.#pool.count, this.#tenantOf.length);
    const widen = (old: Uint32Array<ArrayBuffer>, fill: number) => {
      const wide = new Uint32Array(size).fill(fill);
      wide.set(old);
      return wide;
    };
    this.#tenantOf = widen(this.#tenantOf, 0);
    this.#metricOf = widen(this.#metricOf, 0);
    this.#hashOf = widen(this.#hashOf, 0);
    this.#nextOf = widen(this.#nextOf, NO_REF);
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2).fill(-1);
    const mask = table.length - 1;
    for (let ref = 0; ref < this.#pool.count; ref++) {
      let slot = (this.#hashOf[ref] as number) & mask;
      while ((table[slot] as number) >= 0) slot = (slot + 1) & mask;
      table[slot] = ref;
    }
    this.#table = table;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
