import type { Clock } from '@tidemark/base';
import { metricBytesOf } from '@tidemark/model';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import { storageError } from '../errors.ts';
import { segmentName } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import type { Run } from '../read/chunk-ref.ts';
import { mergeRuns } from '../read/merge.ts';
import { Turns } from '../read/turns.ts';
import { SegmentCursor } from '../segment/cursor.ts';
import type { SegmentSource } from '../segment/format.ts';
import { type OpenedFooter, type RangeReader, readFooter } from '../segment/reader.ts';
import { SegmentWriter } from '../segment/writer.ts';
import type { Shard } from '../shard/shard.ts';
import type { ObjectClaim, ObjectClaims } from './claims.ts';
import { type CompactionJob, mergeLives, type Source } from './compact-plan.ts';
import { MADE_ANEW, type SegmentEntry, sortEntries } from './manifest.ts';
import { changeSealed } from './manifest-store.ts';
import type { Reaper } from './reaper.ts';

// Several segments become one:
//
//   cursor per source ─┐   the same series of all: chunks decoded, merged (the later source stands),
//   cursor per source ─┼─▶ what is past its time or deleted left out ─▶ writer ─▶ put ─▶ manifest, compare-and-swap ─▶ reaper
//   cursor per source ─┘
//
// Nothing changes for a reader: before the swap the old segments are named, after it the new one, with the same content; the old
// objects stay for a lease. A crash before the swap leaves objects that nobody names, and the same is done again; a source that
// somebody took out of the manifest meanwhile makes the whole void. Memory: a block and a piece of index per source, one part
// being written. It goes on beside appends, checkpoints and seals, in small steps.

export interface CompactContext {
  readonly objectStore: ObjectStore;
  readonly claims: ObjectClaims;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly options: StorageOptions;
  readonly signal: AbortSignal;
}

/** Leaves out what is deleted: entries `[from, columns.length)` are of one source. */
export type Eraser = (source: Source, tenant: string, labels: Uint8Array, columns: Columns, from: number) => void;

export interface CompactRequest {
  readonly job: CompactionJob;
  /** Anything before this is left out. */
  readonly oldestMs: number;
  readonly erase: Eraser;
  /** Deletes up to this offset are known to `erase`. */
  readonly cleanedThrough: number;
}

export interface Compacted {
  readonly sources: number;
  readonly objects: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Undefined: the manifest no longer names what was merged. Throws `SEGMENT_CORRUPT`, what the store throws, the signal's reason. */
export async function compact(
  context: CompactContext,
  shard: Shard,
  request: CompactRequest,
): Promise<Compacted | undefined> {
  const { sources } = request.job;
  using claimed = context.claims.begin();
  const entries = await new Merge(context, shard, request, claimed).run();
  await context.options.at('compact:put');
  const old = new Set(sources.flatMap(({ parts }) => parts.map(({ object }) => object)));
  const fresh = new Set(entries.map(({ object }) => object));
  let done = false;
  await changeSealed(context.objectStore, shard, (current) => {
    const there = current.entries.filter(({ object }) => old.has(object)).length;
    // Its reply was lost: what is wanted is there already.
    done ||= there === 0 && entries.length > 0 && entries.every((entry) => isNamed(current.entries, entry));
    if (done || there !== old.size) return undefined;
    const rest = current.entries.filter(({ object }) => !old.has(object));
    const keepsLife = request.job.level === 0 && entries.length > 0;
    return {
      ...current,
      entries: sortEntries([...rest, ...entries]),
      merged: keepsLife ? current.merged : mergeLives(current.merged, sources),
    };
  });
  await context.options.at('compact:manifest');
  const sealed = shard.sealed ?? [];
  if (
    !entries.every((entry) => isNamed(sealed, entry)) ||
    sealed.some(({ object }) => old.has(object) && !fresh.has(object))
  )
    return undefined;
  for (const { parts } of sources) {
    for (const { object, bytes } of parts) if (!fresh.has(object)) context.reaper.doom(object, bytes, 'compaction');
  }
  const bytesOf = (list: readonly { readonly bytes: number }[]) => list.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    sources: sources.length,
    objects: entries.length,
    bytesBefore: bytesOf(sources),
    bytesAfter: bytesOf(entries),
  };
}

function isNamed(entries: readonly SegmentEntry[], { object }: SegmentEntry): boolean {
  return entries.some((entry) => entry.object === object);
}

/** One source's way through a tenant: part after part. */
class SourceCursor {
  readonly source: Source;
  readonly rank: number;
  readonly #open: () => AsyncGenerator<SegmentCursor>;
  #cursors: AsyncGenerator<SegmentCursor> | undefined;
  cursor: SegmentCursor | undefined;
  metric: Uint8Array = new Uint8Array(0);

  constructor(source: Source, rank: number, open: () => AsyncGenerator<SegmentCursor>) {
    this.source = source;
    this.rank = rank;
    this.#open = open;
  }

  get labels(): Uint8Array {
    return this.cursor?.series?.labels as Uint8Array;
  }

  /** False at the end. */
  async next(): Promise<boolean> {
    this.#cursors ??= this.#open();
    for (;;) {
      if (this.cursor !== undefined && (await this.cursor.next())) {
        this.metric = metricBytesOf(this.labels);
        return true;
      }
      const { value, done } = await this.#cursors.next();
      this.cursor = value ?? undefined;
      if (done) return false;
    }
  }
}

class Merge {
  readonly #context: CompactContext;
  readonly #shard: Shard;
  readonly #request: CompactRequest;
  readonly #claimed: ObjectClaim;
  readonly #turns: Turns;
  readonly #entries: SegmentEntry[] = [];
  readonly #decoded: Columns;
  readonly #merged: Columns;
  readonly #scratch: Columns;
  readonly #span: { readonly startMs: number; readonly endMs: number };
  readonly #footers = new Map<string, OpenedFooter>();
  #writer: SegmentWriter | undefined;

  constructor(context: CompactContext, shard: Shard, request: CompactRequest, claimed: ObjectClaim) {
    this.#context = context;
    this.#shard = shard;
    this.#request = request;
    this.#claimed = claimed;
    this.#turns = new Turns(context.clock, context.signal);
    const { columnCount } = shard.head.options;
    this.#decoded = new Columns(columnCount, 1024);
    this.#merged = new Columns(columnCount, 1024);
    this.#scratch = new Columns(columnCount, 64);
    const { sources, level } = request.job;
    // A window keeps its time; what is compacted begins where its content may.
    const startMs = Math.min(...sources.map((source) => source.startMs));
    const firstMs = Math.floor(request.oldestMs / shard.windowMs) * shard.windowMs;
    this.#span = {
      startMs: level === 0 ? startMs : Math.max(startMs, firstMs),
      endMs: Math.max(...sources.map((source) => source.endMs)),
    };
  }

  async run(): Promise<SegmentEntry[]> {
    const { sources } = this.#request.job;
    const tenants = new Set<string>();
    for (const { parts } of sources) {
      for (const part of parts) {
        this.#footers.set(part.object, await readFooter(this.#ranges(part)));
        for (const { tenant } of part.tenants) tenants.add(tenant);
      }
    }
    for (const tenant of [...tenants].sort()) await this.#mergeTenant(tenant);
    await this.#putWriter();
    const losses = sources.flatMap(({ parts }) => parts.map((part) => part.lost));
    if (losses.includes(MADE_ANEW)) return this.#entries.map((entry) => ({ ...entry, lost: MADE_ANEW }));
    const lost = losses.reduce((sum, one) => sum + one, 0);
    return this.#entries.map((entry, i) => (i === 0 ? { ...entry, lost } : entry));
  }

  async #mergeTenant(tenant: string): Promise<void> {
    const cursors: SourceCursor[] = [];
    for (const [rank, source] of this.#request.job.sources.entries()) {
      const cursor = new SourceCursor(source, rank, () => this.#parts(source, tenant));
      if (await cursor.next()) cursors.push(cursor);
    }
    while (cursors.length > 0) {
      if (this.#turns.due()) await this.#turns.take();
      const first = cursors.reduce((least, cursor) => (compare(cursor, least) < 0 ? cursor : least));
      const same = cursors.filter((cursor) => compare(cursor, first) === 0);
      await this.#mergeSeries(tenant, same);
      for (const cursor of same) if (!(await cursor.next())) cursors.splice(cursors.indexOf(cursor), 1);
    }
  }

  async *#parts(source: Source, tenant: string): AsyncGenerator<SegmentCursor> {
    for (const part of source.parts) {
      const footer = this.#footers.get(part.object) as OpenedFooter;
      const entry = footer.tenants.find((candidate) => candidate.tenant === tenant);
      if (entry === undefined) continue;
      const index = { offset: entry.indexOffset, length: entry.indexLength };
      yield await SegmentCursor.open(this.#ranges(part), index, footer);
    }
  }

  async #mergeSeries(tenant: string, same: readonly SourceCursor[]): Promise<void> {
    const decoded = this.#decoded;
    decoded.reset();
    const runs: Run[] = [];
    const labels = (same[0] as SourceCursor).labels;
    for (const { source, rank, cursor } of same) {
      for (const chunk of cursor?.series?.chunks ?? []) {
        const { times } = cursor as SegmentCursor;
        const payload = await (cursor as SegmentCursor).block(chunk.block);
        const from = decoded.length;
        readChunk(payload, chunk.offset, chunk.offset + chunk.length, decoded, undefined, times);
        this.#request.erase(source, tenant, labels, decoded, from);
        if (decoded.length > from) runs.push({ columns: decoded, from, to: decoded.length, rank, rising: true });
      }
    }
    const range = { startMs: Math.max(this.#span.startMs, this.#request.oldestMs), endMs: this.#span.endMs };
    mergeRuns(runs, range, this.#merged, this.#scratch);
    if (this.#merged.length === 0) return;
    if (this.#writer?.endsBefore(tenant, labels, this.#context.options.compactBytesMax) === true)
      await this.#putWriter();
    this.#writer ??= this.#makeWriter();
    this.#writer.add(tenant, labels, this.#merged);
    if (this.#writer.bytes >= this.#context.options.compactBytesMax) await this.#putWriter();
  }

  async #putWriter(): Promise<void> {
    if (this.#writer !== undefined) await this.#put(this.#writer);
    this.#writer = undefined;
  }

  get #identity() {
    const { sources, level } = this.#request.job;
    return {
      ...this.#span,
      sequence: level === 0 ? (sources[0] as Source).sequence : 0,
      part: this.#entries.length,
      sealedThroughOffset: Math.max(...sources.map((source) => source.sealedThroughOffset)),
    };
  }

  #makeWriter(): SegmentWriter {
    const { columnCount } = this.#shard.head.options;
    const { job, cleanedThrough } = this.#request;
    const { level } = job;
    return new SegmentWriter({
      tier: this.#shard.tier,
      ...this.#shard.name,
      ...this.#identity,
      columnCount,
      level,
      cleanedThrough,
      // A window that is written anew stays the life it is.
      sources: level === 0 ? [] : job.sources.flatMap((source) => this.#livesOf(source)),
    });
  }

  /** The windows that are in it, for whoever has to make the manifest anew. */
  #livesOf({ startMs, sequence, sealedThroughOffset, level, parts }: Source): readonly SegmentSource[] {
    if (level === 0) return [{ startMs, sequence, sealedThroughOffset }];
    return parts[0] === undefined ? [] : (this.#footers.get(parts[0].object)?.sources ?? []);
  }

  async #put(writer: SegmentWriter): Promise<void> {
    const identity = this.#identity;
    const { bytes, digest, tenants } = writer.finish();
    const object = segmentName(this.#shard.name, { tier: this.#shard.tier, ...identity }, identity.part, digest);
    await this.#claimed.take(object);
    await this.#context.objectStore.putIfAbsent(object, bytes);
    const { cleanedThrough, job } = this.#request;
    this.#entries.push({
      ...identity,
      object,
      bytes: bytes.length,
      lost: 0,
      level: job.level,
      cleanedThrough,
      tenants,
    });
  }

  #ranges({ object, bytes }: SegmentEntry): RangeReader {
    return {
      name: object,
      size: bytes,
      read: async (start, length) => {
        const piece = await this.#context.objectStore.getRange(object, start, length);
        if (piece.length === length) return piece;
        throw storageError('SEGMENT_CORRUPT', `segment ${object} ends at ${start + piece.length}`, { name: object });
      },
    };
  }
}

/** The canonical order of series. */
function compare(a: SourceCursor, b: SourceCursor): number {
  return Buffer.compare(a.metric, b.metric) || Buffer.compare(a.labels, b.labels);
}
