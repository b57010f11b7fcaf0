import { overlaps } from '@tidemark/model';
import type { MergedWindow, SealedLife, SegmentEntry } from './manifest.ts';

// Which segments are merged next. Time is cut into spans, by level; what lies in one span and is closed becomes one segment.
//
//   level 0   |0|1|2|3| ... |11|  2 h, and supplements |3'|        raw
//   level 1   |      one day      |
//
// Only lives that follow one another from the first on are merged: a life that is missing (it could not be sealed) ranks below
// those after it, and a merged segment ranks below every life. So windows with a gap are left as they are.

/** One life, or one compacted segment: its parts. */
export interface Source {
  readonly startMs: number;
  readonly endMs: number;
  readonly level: number;
  readonly sequence: number;
  readonly parts: readonly SegmentEntry[];
  readonly bytes: number;
  readonly sealedThroughOffset: number;
}

export interface CompactionJob {
  /** By rank: of two entries at one time that of the later source stands. */
  readonly sources: readonly Source[];
  /** Of what is made. A segment that is only written anew keeps its own. */
  readonly level: number;
}

export interface PlanRequest {
  readonly entries: readonly SegmentEntry[];
  readonly lives: ReadonlyMap<number, readonly SealedLife[]>;
  readonly windowMs: number;
  /** Lengths of spans by level, from 1. */
  readonly spansMs: readonly number[];
  /** Spans that end at or before this are closed. */
  readonly closedMs: number;
  /** Anything before this may go. */
  readonly oldestMs: number;
  /** Segments that have anything at or above this are left alone: deletes that lie between are not known yet. */
  readonly position: number;
  readonly sourcesMax: number;
  /** Objects that cannot be read. */
  readonly unreadable: ReadonlySet<string>;
  /** Whether deletes are still to be carried out in it. */
  readonly wantsCleaning: (entry: SegmentEntry) => boolean;
  /** Whether enough of it is past its time. */
  readonly isWorn: (source: Source) => boolean;
}

// A compacted segment is written anew for this many late lives, or when they are a quarter of it; each writing costs the whole.
const LATE_LIVES = 4;
const LATE_SHARE = 4;

/** The next job, oldest and lowest first; undefined when all is as it should be. */
export function planCompaction(request: PlanRequest): CompactionJob | undefined {
  const sources = mergeable(request);
  for (const [i, spanMs] of request.spansMs.entries()) {
    const job = planLevel(request, sources, i + 1, spanMs);
    if (job !== undefined) return job;
  }
  const worn = sources.find((source) => source.parts.some(request.wantsCleaning) || request.isWorn(source));
  return worn && { sources: [worn], level: worn.level };
}

function planLevel(
  request: PlanRequest,
  sources: readonly Source[],
  level: number,
  spanMs: number,
): CompactionJob | undefined {
  const spans = new Map<number, Source[]>();
  const above = request.entries.filter((entry) => entry.level > level);
  for (const source of sources) {
    if (source.level > level) continue;
    // What came late for a higher segment is merged with that: two that were merged rank alike.
    if (above.some((entry) => overlaps(entry, source))) continue;
    const span = Math.floor(source.startMs / spanMs);
    if (source.endMs > (span + 1) * spanMs || (span + 1) * spanMs > request.closedMs) continue;
    // What is about to expire is not worth the work.
    if ((span + 1) * spanMs <= request.oldestMs) continue;
    const list = spans.get(span);
    if (list === undefined) spans.set(span, [source]);
    else list.push(source);
  }
  for (const list of spans.values()) {
    const some = list.sort(byRank).slice(0, request.sourcesMax);
    if (isWorthIt(some, level)) return { sources: some, level };
  }
  return undefined;
}

function isWorthIt(sources: readonly Source[], level: number): boolean {
  const late = sources.filter((source) => source.level < level);
  const there = sources.length - late.length;
  if (there === 0) return late.length >= 2;
  if (there > 1 || late.length >= LATE_LIVES) return true;
  const bytes = (list: readonly Source[]) => list.reduce((sum, source) => sum + source.bytes, 0);
  return late.length > 0 && bytes(late) * LATE_SHARE >= bytes(sources) - bytes(late);
}

function mergeable(request: PlanRequest): Source[] {
  const { entries, lives, position, unreadable } = request;
  const groups = new Map<string, SegmentEntry[]>();
  for (const entry of entries) {
    const key = `${entry.startMs} ${entry.endMs} ${entry.sequence} ${entry.level}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  const isOut = (entry: SegmentEntry) => entry.sealedThroughOffset >= position || unreadable.has(entry.object);
  const sources: Source[] = [];
  for (const parts of groups.values()) {
    const [first] = parts as [SegmentEntry];
    const { startMs, endMs, sequence, level } = first;
    const sealedThroughOffset = Math.max(...parts.map((part) => part.sealedThroughOffset));
    if (parts.some(isOut)) continue;
    if (level === 0 && !follows(lives.get(startMs) ?? [], sequence)) continue;
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    sources.push({ startMs, endMs, level, sequence, parts, bytes, sealedThroughOffset });
  }
  // A life is merged only with all that ranks below it.
  const out = entries.filter(isOut);
  const free = (source: Source) =>
    source.level > 0 || source.sequence === 0 || !out.some((entry) => overlaps(entry, source));
  return sources.filter(free).sort(byRank);
}

/** Whether every life up to this one was sealed. */
function follows(lives: readonly SealedLife[], sequence: number): boolean {
  return lives.findIndex((life) => life.sequence === sequence) === sequence;
}

function byRank(a: Source, b: Source): number {
  return a.startMs - b.startMs || b.level - a.level || a.sequence - b.sequence;
}

/** What `merged` says once the lives of level 0 among `sources` have no segments of their own any more. */
export function mergeLives(
  merged: readonly MergedWindow[],
  sources: readonly Pick<Source, 'level' | 'startMs' | 'sequence' | 'sealedThroughOffset'>[],
): MergedWindow[] {
  const windows = new Map(merged.map(({ startMs, lives }) => [startMs, [...lives]]));
  for (const { level, startMs, sequence, sealedThroughOffset } of sources) {
    if (level > 0) continue;
    const lives = windows.get(startMs) ?? [];
    windows.set(startMs, lives);
    // Retention may have taken another part of the same life before.
    if (!lives.some((life) => life.sequence === sequence)) lives.push({ sequence, sealedThroughOffset });
  }
  return [...windows]
    .map(([startMs, lives]) => ({ startMs, lives: lives.sort((a, b) => a.sequence - b.sequence) }))
    .sort((a, b) => a.startMs - b.startMs);
}
