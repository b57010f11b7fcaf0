import { type Clock, isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import type { Retention } from '@tidemark/model';
import type { Tombstones } from '../deletes/tombstones.ts';
import { TIERS } from '../head/resolve.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { COMPACTED_MS, type StorageOptions } from '../options.ts';
import type { Quarantine } from '../quarantine.ts';
import type { Segments } from '../segment/segments.ts';
import type { Shard } from '../shard/shard.ts';
import type { ObjectClaims } from './claims.ts';
import { Cleaning } from './cleaning.ts';
import { compact, type Eraser } from './compact.ts';
import { type CompactionJob, planCompaction } from './compact-plan.ts';
import { settleSealed } from './manifest-store.ts';
import type { Reaper } from './reaper.ts';
import { mayGo } from './retention.ts';
import { Wear } from './wear.ts';

/** What became of segments. */
export interface CompactReport {
  /** Merges, and segments written anew. */
  readonly jobs: number;
  readonly segmentsBefore: number;
  readonly segmentsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Objects removed that no manifest names. */
  readonly removed: number;
  /** What could not be done now, and why: tried again next time. */
  readonly failures: readonly string[];
}

export interface CompactorContext {
  readonly objectStore: ObjectStore;
  readonly claims: ObjectClaims;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly options: StorageOptions;
  readonly logger: Logger;
  readonly quarantine: Quarantine;
  readonly tombstones: Tombstones;
  readonly segments: Segments;
  readonly retention: Retention;
}

// Of one partition before the next has its turn: some seconds of work each.
const JOBS_AT_ONCE = 32;
// What could not be read is tried again after this long: somebody may have put it back.
const RETRY_AFTER_MS = 3_600_000;
const UNREADABLE_CODES = new Set(['SEGMENT_CORRUPT', 'BYTES_MALFORMED', 'CHUNK_MALFORMED', 'OBJECT_NOT_FOUND']);

export interface CompactorRun {
  readonly signal: AbortSignal;
  /** Carry out deletes now, however recent. */
  readonly cleanAll: boolean;
}

/** Keeps what is sealed in few, large segments, and removes what nobody names. One run at a time. */
export class Compactor {
  readonly #context: CompactorContext;
  /** Objects that could not be read, and when. */
  readonly #unreadable = new Map<string, number>();
  readonly #wear: Wear;

  constructor(context: CompactorContext) {
    this.#context = context;
    this.#wear = new Wear(context);
  }

  /** The object is removed. */
  forget(object: string): void {
    this.#wear.forget(object);
  }

  /** Throws the signal's reason. */
  async run(shards: readonly Shard[], { signal, cleanAll }: CompactorRun): Promise<CompactReport> {
    const { reaper, clock } = this.#context;
    for (const [object, sinceMs] of this.#unreadable) {
      if (clock.nowMs() - sinceMs >= RETRY_AFTER_MS) this.#unreadable.delete(object);
    }
    const sums = { jobs: 0, segmentsBefore: 0, segmentsAfter: 0, bytesBefore: 0, bytesAfter: 0 };
    const failures: string[] = [];
    for (const shard of shards) {
      const cleaning = new Cleaning(this.#context, shard, cleanAll);
      await this.#runShard(shard, cleaning, signal, sums, failures);
    }
    const longestMs = Math.max(...TIERS.map((tier) => this.#context.retention.longestMs(tier)));
    this.#context.tombstones.retire(shards, clock.nowMs(), longestMs);
    let removed = 0;
    try {
      // Nothing goes that somebody here believes to be named.
      for (const shard of shards) await settleSealed(this.#context.objectStore, shard);
      removed = await reaper.reap(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isTidemarkError(error)) throw error;
      failures.push(`objects that nobody names: ${messageOf(error)}`);
    }
    return { ...sums, removed, failures };
  }

  async #runShard(
    shard: Shard,
    cleaning: Cleaning,
    signal: AbortSignal,
    sums: Sums,
    failures: string[],
  ): Promise<void> {
    const { logger } = this.#context;
    for (let jobs = 0; jobs < JOBS_AT_ONCE; jobs++) {
      signal.throwIfAborted();
      let job: CompactionJob | undefined;
      try {
        await cleaning.markClean();
        await this.#wear.look(shard, signal);
        job = this.#plan(shard, cleaning);
        if (job === undefined) return;
        const done = await compact({ ...this.#context, signal }, shard, {
          job,
          oldestMs: this.#oldestMs(shard, job),
          erase: both(cleaning.eraser(), this.#wear.eraser(shard)),
          cleanedThrough: cleaning.through(job),
        });
        if (done === undefined) return;
        for (const source of job.sources) this.#wear.rewritten(source);
        sums.jobs++;
        sums.segmentsBefore += job.sources.reduce((sum, { parts }) => sum + parts.length, 0);
        sums.segmentsAfter += done.objects;
        sums.bytesBefore += done.bytesBefore;
        sums.bytesAfter += done.bytesAfter;
        logger.info('segments compacted', { ...shard.name, tier: shard.tier, level: job.level, ...done });
      } catch (error) {
        signal.throwIfAborted();
        if (!isTidemarkError(error)) throw error;
        const { topic, partition } = shard.name;
        failures.push(`${topic}/${partition}: ${messageOf(error)}`);
        if (!UNREADABLE_CODES.has(error.code)) return;
        if (job !== undefined) this.#noteUnreadable(job, error.details['name']);
      }
    }
  }

  #plan(shard: Shard, cleaning: Cleaning): CompactionJob | undefined {
    const { options, clock } = this.#context;
    if (shard.sealed === undefined) return undefined;
    return planCompaction({
      entries: shard.sealed,
      lives: shard.lives,
      windowMs: shard.windowMs,
      spansMs: COMPACTED_MS[shard.tier],
      closedMs: clock.nowMs() - options.sealGraceMs - options.compactAfterMs,
      oldestMs: shard.answersFromMs,
      position: shard.durablePosition,
      sourcesMax: options.compactSourcesMax,
      unreadable: new Set(this.#unreadable.keys()),
      wantsCleaning: (entry) => cleaning.wants(entry),
      isWorn: (source) => this.#wear.isWorn(shard, source),
    });
  }

  /** Raw that no rows are made of stays, however old. */
  #oldestMs(shard: Shard, { sources }: CompactionJob): number {
    const isSafe = sources.every(({ parts }) => parts.every((part) => mayGo(this.#context.options, shard, part)));
    return isSafe ? shard.answersFromMs : Number.NEGATIVE_INFINITY;
  }

  /** Its windows stay as they are; reads go on to warn of it. */
  #noteUnreadable(job: CompactionJob, name: unknown): void {
    const objects = job.sources.flatMap(({ parts }) => parts.map(({ object }) => object));
    const bad = objects.filter((object) => object === name);
    for (const object of bad.length > 0 ? bad : objects) {
      this.#unreadable.set(object, this.#context.clock.nowMs());
      this.#context.quarantine('segment', object, undefined);
    }
  }
}

function both(first: Eraser, second: Eraser): Eraser {
  return (source, tenant, labels, columns, from) => {
    first(source, tenant, labels, columns, from);
    second(source, tenant, labels, columns, from);
  };
}

type Sums = { -readonly [K in keyof Omit<CompactReport, 'removed' | 'failures'>]: CompactReport[K] };
