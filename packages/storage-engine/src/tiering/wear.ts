import type { Clock } from '@tidemark/base';
import { metricNameOf, type Retention } from '@tidemark/model';
import type { StorageOptions } from '../options.ts';
import { COMPACTED_MS } from '../options.ts';
import { lowerBound } from '../read/merge.ts';
import { Turns } from '../read/turns.ts';
import type { Segments } from '../segment/segments.ts';
import type { Shard } from '../shard/shard.ts';
import type { Eraser } from './compact.ts';
import type { Source } from './compact-plan.ts';
import type { SegmentEntry } from './manifest.ts';
import { longestOf, mayGo } from './retention.ts';

// What retention wants of a segment that cannot go as a whole: that it is written anew, without what is past its time.
//
//   kept 1 d  ▒▒▒▒▒▒        all of what is kept for one length is past its time: the rest is written anew, once for each length
//   kept 7 d  ██████
//   kept 7 d  ▒▒▒▒██        half of all there is: the other half is
//
// How much of a segment is kept for how long is told by its tenants in the manifest, and by itself where rules name metrics. It is
// asked when the first of its series may be past their time, and once: what it said holds as long as the rules do.

/** Samples by how long they are kept. */
type Shares = ReadonlyMap<number, number>;

export interface WearContext {
  readonly segments: Segments;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly options: StorageOptions;
}

// Of a shard in one run: a start asks for all that is old, and others wait for their turn.
const INDEXES_AT_ONCE = 64;
const ASK_AGAIN_MS = 3_600_000;

export class Wear {
  readonly #context: WearContext;
  readonly #shares = new WeakMap<Shard, Map<string, Shares>>();
  /** Indexes that could not be had, and when. */
  readonly #unreadable = new Map<string, number>();
  /** What was written anew: nothing more is to be had of it if it came out the same. */
  readonly #rewritten = new Set<string>();
  #version = -1;

  constructor(context: WearContext) {
    this.#context = context;
  }

  /** Asks the segments whose tenants do not tell enough. Throws the signal's reason. */
  async look(shard: Shard, signal: AbortSignal): Promise<void> {
    const { clock, retention } = this.#context;
    const before = this.#version === retention.version ? this.#shares.get(shard) : undefined;
    this.#version = retention.version;
    const shares = new Map<string, Shares>();
    this.#shares.set(shard, shares);
    for (const [object, atMs] of this.#unreadable) {
      if (clock.nowMs() - atMs >= ASK_AGAIN_MS) this.#unreadable.delete(object);
    }
    const turns = new Turns(clock, signal);
    let asked = 0;
    for (const entry of shard.sealed ?? []) {
      const known = before?.get(entry.object);
      if (known !== undefined) shares.set(entry.object, known);
      else if (this.#mustAsk(shard, entry) && asked++ < INDEXES_AT_ONCE) {
        const said = await this.#ask(shard, entry, turns);
        if (said === undefined) this.#unreadable.set(entry.object, clock.nowMs());
        else shares.set(entry.object, said);
      }
    }
  }

  /** Whether a source is to be written anew. */
  isWorn(shard: Shard, source: Source): boolean {
    const { options, retention } = this.#context;
    const { parts } = source;
    if (!parts.every((part) => mayGo(options, shard, part))) return false;
    // All of it goes without.
    if (parts.every((part) => part.endMs <= shard.limitedAtMs - longestOf(retention, shard, part))) return false;
    return this.#isHalfOver(shard, source) || parts.some((part) => this.#hasDone(shard, source, part));
  }

  /** What compaction leaves out. Raw that no rows are made of stays. */
  eraser(shard: Shard): Eraser {
    const { options, retention } = this.#context;
    const mayErase = new Map<Source, boolean>();
    let last: { readonly labels: Uint8Array; readonly fromMs: number } | undefined;
    return (source, tenant, labels, columns, from) => {
      let may = mayErase.get(source);
      if (may === undefined) {
        may = source.parts.every((part) => mayGo(options, shard, part));
        mayErase.set(source, may);
      }
      if (!may) return;
      if (last?.labels !== labels) {
        const { leastMs, mostMs } = retention.ofTenant(tenant, shard.tier);
        const keptMs = leastMs === mostMs ? mostMs : retention.of(tenant, metricNameOf(labels), shard.tier);
        last = { labels, fromMs: shard.limitedAtMs - keptMs };
      }
      const first = lowerBound(columns.timestampsMs, from, columns.length, last.fromMs);
      if (first === from) return;
      let kept = from;
      for (let i = first; i < columns.length; i++) columns.move(i, kept++);
      columns.length = kept;
    };
  }

  rewritten({ parts }: Source): void {
    for (const { object } of parts) this.#rewritten.add(object);
  }

  forget(object: string): void {
    this.#rewritten.delete(object);
  }

  #isHalfOver(shard: Shard, { level, parts, startMs, endMs }: Source): boolean {
    if (level === 0) return false;
    let samples = 0;
    let over = 0;
    for (const part of parts) {
      for (const [keptMs, count] of this.#sharesOf(shard, part)) {
        const passed = (shard.limitedAtMs - keptMs - startMs) / (endMs - startMs);
        samples += count;
        over += count * Math.min(1, Math.max(0, passed));
      }
    }
    return over > 0 && over * 2 >= samples;
  }

  /** Whether something of it is over as a whole. What is to be merged soon loses it then. */
  #hasDone(shard: Shard, { level }: Source, part: SegmentEntry): boolean {
    if (this.#rewritten.has(part.object)) return false;
    const waitsMs = level === 0 ? (COMPACTED_MS[shard.tier][0] as number) : 0;
    for (const [keptMs, count] of this.#sharesOf(shard, part)) {
      if (count > 0 && part.endMs <= shard.limitedAtMs - keptMs - waitsMs) return true;
    }
    return false;
  }

  #sharesOf(shard: Shard, entry: SegmentEntry): Shares {
    const asked = this.#shares.get(shard)?.get(entry.object);
    if (asked !== undefined) return asked;
    const { retention } = this.#context;
    const shares = new Map<number, number>();
    for (const { tenant, samples } of entry.tenants)
      add(shares, retention.ofTenant(tenant, shard.tier).mostMs, samples);
    return shares;
  }

  #mustAsk(shard: Shard, entry: SegmentEntry): boolean {
    const { retention } = this.#context;
    if (this.#unreadable.has(entry.object)) return false;
    return entry.tenants.some(({ tenant }) => {
      const { leastMs, mostMs } = retention.ofTenant(tenant, shard.tier);
      return leastMs < mostMs && entry.endMs <= shard.limitedAtMs - leastMs;
    });
  }

  async #ask(shard: Shard, entry: SegmentEntry, turns: Turns): Promise<Shares | undefined> {
    const { retention, segments } = this.#context;
    const shares = new Map<number, number>();
    for (const { tenant, samples } of entry.tenants) {
      const { leastMs, mostMs } = retention.ofTenant(tenant, shard.tier);
      if (leastMs === mostMs) add(shares, mostMs, samples);
      else {
        turns.check();
        const metrics = await segments.metrics(entry, tenant, new Set(), turns);
        if (metrics === undefined) return undefined;
        for (const { metric, samples: some } of metrics) add(shares, retention.of(tenant, metric, shard.tier), some);
      }
    }
    return shares;
  }
}

function add(shares: Map<number, number>, keptMs: number, samples: number): void {
  shares.set(keptMs, (shares.get(keptMs) ?? 0) + samples);
}
