import type { Clock } from '@tidemark/base';
import { decodeLabels, type Labels, labelValue } from '@tidemark/model';
import { eraseEntries, erasureOf, matchSelectors } from '../deletes/erase.ts';
import type { Tombstone } from '../deletes/tombstone.ts';
import { concernsSegment, type Tombstones } from '../deletes/tombstones.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import type { Segments } from '../segment/segments.ts';
import type { Shard } from '../shard/shard.ts';
import type { Eraser } from './compact.ts';
import type { CompactionJob } from './compact-plan.ts';
import type { SegmentEntry } from './manifest.ts';
import { changeSealed } from './manifest-store.ts';

// What deletes want of a shard's segments. One that has a series that is meant is written anew; one that has none is only marked in
// the manifest, so that nobody looks again.

export interface CleaningContext {
  readonly objectStore: ObjectStore;
  readonly segments: Segments;
  readonly tombstones: Tombstones;
  readonly clock: Clock;
  readonly options: StorageOptions;
}

export class Cleaning {
  readonly #context: CleaningContext;
  readonly #shard: Shard;
  /** Those known when the run began; what comes meanwhile has its turn next time. */
  readonly #tombstones: readonly Tombstone[];
  readonly #due: readonly Tombstone[];
  /** Segments that have something to erase, or could not be asked. */
  readonly #asked = new Map<string, 'has' | 'unreadable'>();

  constructor(context: CleaningContext, shard: Shard, all: boolean) {
    this.#context = context;
    this.#shard = shard;
    this.#tombstones = context.tombstones.of(shard);
    const beforeMs = context.clock.nowMs() - context.options.cleanAfterMs;
    this.#due = all ? this.#tombstones : this.#tombstones.filter(({ atMs }) => atMs <= beforeMs);
  }

  /** Of what a job makes: every delete known is carried out in it. */
  through({ sources }: CompactionJob): number {
    const known = this.#tombstones.map(({ offset }) => offset);
    const cleaned = sources.flatMap(({ parts }) => parts.map(({ cleanedThrough }) => cleanedThrough));
    return Math.max(-1, ...known, ...cleaned);
  }

  wants(entry: SegmentEntry): boolean {
    return this.#asked.get(entry.object) === 'has' && this.#due.some((one) => concernsSegment(one, this.#shard, entry));
  }

  /** Asks segments that deletes may concern; those that have nothing of it are marked. Throws what the object store throws. */
  async markClean(): Promise<void> {
    const clean = new Set<string>();
    for (const entry of this.#shard.sealed ?? []) {
      const concerning = this.#due.filter((one) => concernsSegment(one, this.#shard, entry));
      if (concerning.length === 0 || this.#asked.has(entry.object)) continue;
      const answer = await this.#ask(entry, concerning);
      if (answer === 'clean') clean.add(entry.object);
      else this.#asked.set(entry.object, answer);
    }
    if (clean.size === 0) return;
    const through = Math.max(...this.#due.map(({ offset }) => offset));
    await changeSealed(this.#context.objectStore, this.#shard, (current) => {
      const entries = current.entries.map((entry) =>
        clean.has(entry.object) ? { ...entry, cleanedThrough: Math.max(entry.cleanedThrough, through) } : entry,
      );
      return { ...current, entries };
    });
  }

  async #ask(entry: SegmentEntry, tombstones: readonly Tombstone[]): Promise<'clean' | 'has' | 'unreadable'> {
    for (const { tenant, selectors, startMs, endMs } of tombstones) {
      const index = await this.#context.segments.index(entry, tenant, new Set());
      if (index === undefined) return 'unreadable';
      for (const ref of matchSelectors(index, selectors)) {
        if (index.chunks(ref).some((chunk) => chunk.minMs <= endMs + ROW_REACH_MS && chunk.maxMs >= startMs))
          return 'has';
      }
    }
    return 'clean';
  }

  eraser(): Eraser {
    const applies = new Map<object, readonly Tombstone[]>();
    let last: { readonly labels: Uint8Array; readonly decoded: Labels } | undefined;
    return (source, tenant, labels, columns, from) => {
      let tombstones = applies.get(source);
      if (tombstones === undefined) {
        const [part] = source.parts;
        tombstones = this.#tombstones.filter(
          (one) => part !== undefined && concernsSource(one, this.#shard, source.parts),
        );
        applies.set(source, tombstones);
      }
      if (tombstones.length === 0) return;
      if (last?.labels !== labels) last = { labels, decoded: decodeLabels(labels) };
      const { decoded } = last;
      const erasures = tombstones.filter((one) => one.tenant === tenant && isMeant(one, decoded)).map(erasureOf);
      if (erasures.length > 0) eraseEntries(columns, from, erasures);
    };
  }
}

// A row's points are at most this much before its time.
const ROW_REACH_MS = 3_600_000;

function concernsSource(tombstone: Tombstone, shard: Shard, parts: readonly SegmentEntry[]): boolean {
  return parts.some((part) => concernsSegment(tombstone, shard, part));
}

function isMeant({ selectors }: Tombstone, labels: Labels): boolean {
  return selectors.some((selector) => selector.every((one) => one.matches(labelValue(labels, one.name))));
}
