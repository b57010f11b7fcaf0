import { decodeLabels, formatLabels } from '@tidemark/model';
import { decodeCheckpoint } from './checkpoint/checkpoint-file.ts';
import { readSeries } from './checkpoint/series-file.ts';
import { readChunk } from './chunk/chunk.ts';
import { Columns } from './chunk/columns.ts';
import { copyName, parseCheckpointName, parseJournalFileName, parseSeriesFileName } from './filename.ts';
import { inspectJournal } from './journal/inspect.ts';
import {
  decodeKey,
  FIRST_KEY,
  KIND_BLOCK,
  KIND_DICTIONARY,
  KIND_INDEX,
  KIND_MANIFEST,
  LAST_KEY,
  openValue,
} from './partition/keys.ts';
import type { LevelStores } from './partition/level-store.ts';
import { nativeLevelStores } from './partition/native-level-store.ts';
import { decodeDictionary, decodeIndex, decodeManifest } from './partition/window-format.ts';
import { bufferRanges, readBlock, readFooter, readTenantIndex } from './segment/reader.ts';
import { decodeSegmentManifest } from './tiering/manifest.ts';

// Explains the engine's files, for `tidemark inspect`: plain facts, one after another, in the order in which they lie there.
// A part that fails its checksum is a fact too (`damage`), and the rest goes on where it can.

export interface Fact {
  /** What the fact is about: `checkpoint`, `section`, `window`, `series`, `segment`, `entry`, `damage`, ... */
  readonly what: string;
  readonly [name: string]: string | number;
}

/** Whether a file's name is one that `inspectFile` can explain. */
export function isInspectable(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return (
    parseCheckpointName(base) !== undefined ||
    parseSeriesFileName(base) !== undefined ||
    parseJournalFileName(base) !== undefined ||
    base.endsWith('.seg') ||
    isManifest(base)
  );
}

function isManifest(base: string): boolean {
  return base.endsWith('.manifest') || base.endsWith(copyName('.manifest'));
}

/** Explains a file by its name. Throws what its reader throws when nothing of it can be read. */
export async function* inspectFile(name: string, bytes: Uint8Array): AsyncIterable<Fact> {
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (parseCheckpointName(base) !== undefined) yield* inspectCheckpoint(bytes);
  else if (parseSeriesFileName(base) !== undefined) yield* inspectSeriesFile(bytes);
  else if (parseJournalFileName(base) !== undefined) yield* inspectJournal(base, bytes);
  else if (base.endsWith('.seg')) yield* inspectSegment(name, bytes);
  else if (isManifest(base)) yield* inspectManifest(bytes);
}

/** Throws `CHECKPOINT_CORRUPT`. */
export async function* inspectCheckpoint(bytes: Uint8Array): AsyncIterable<Fact> {
  const { header, sections } = decodeCheckpoint(bytes);
  const { windows, installation, ...facts } = header;
  yield { what: 'checkpoint', bytes: bytes.length, ...facts, installation: Buffer.from(installation).toString('hex') };
  for (const window of windows) yield { what: 'window', ...window };
  for (const { id, payload } of sections) yield { what: 'section', id, bytes: payload.length };
}

/** Throws `CHECKPOINT_CORRUPT`. */
export async function* inspectSeriesFile(bytes: Uint8Array): AsyncIterable<Fact> {
  const facts: Fact[] = [];
  readSeries(bytes, (tenant, labels, ref) => {
    facts.push({ what: 'series', ref, tenant, labels: formatLabels(decodeLabels(labels)) });
  });
  yield { what: 'series-file', bytes: bytes.length, series: facts.length };
  yield* facts;
}

/** Explains a window's LevelDB in a folder that no engine has open. */
export async function* inspectWindow(root: string, path: string, stores?: LevelStores): AsyncIterable<Fact> {
  const levels = stores ?? nativeLevelStores(root);
  const problem = await levels.problem(path);
  if (problem !== undefined) return void (yield { what: 'damage', problem });
  const store = await levels.open(path, { create: false });
  try {
    for await (const [key, value] of store.entries(FIRST_KEY, LAST_KEY)) {
      const { tenant, kind, generation, number } = decodeKey(key);
      const payload = openValue(key, value);
      const facts = { tenant, generation, number, bytes: value.length };
      if (payload === undefined) yield { what: 'damage', ...facts, kind: String.fromCharCode(kind) };
      else if (kind === KIND_BLOCK) yield { what: 'block', ...facts };
      else if (kind === KIND_MANIFEST) {
        yield { what: 'manifest', ...facts };
        for (const counts of decodeManifest(payload).tenants) yield { what: 'tenant', ...counts };
      } else if (kind === KIND_DICTIONARY) {
        const { first, entries } = decodeDictionary(payload);
        yield { what: 'dictionary', ...facts, first, series: entries.length };
        for (const { labels } of entries) yield { what: 'series', labels: formatLabels(decodeLabels(labels)) };
      } else if (kind === KIND_INDEX) {
        yield { what: 'index', ...facts };
        for (const entry of decodeIndex(payload)) yield { what: 'chunk', ...entry };
      }
    }
  } finally {
    await store.close();
  }
}

/** Throws `SEGMENT_CORRUPT`. Every chunk is decoded: a segment that comes to its end here is whole. */
export async function* inspectSegment(name: string, bytes: Uint8Array): AsyncIterable<Fact> {
  const ranges = bufferRanges(name, bytes);
  const footer = await readFooter(ranges);
  const { tenants, sources, tail: _, ...facts } = footer;
  yield { what: 'segment', bytes: bytes.length, ...facts };
  for (const source of sources) yield { what: 'source', ...source };
  for (const tenant of tenants) {
    yield { what: 'tenant', ...tenant };
    const index = await readTenantIndex(ranges, footer, tenant.tenant);
    if (index === undefined) continue;
    const blocks = await Promise.all(index.blocks.map((block) => readBlock(ranges, block, footer.version)));
    const columns = new Columns(footer.columnCount);
    for (const ref of index.refs()) {
      columns.reset();
      for (const chunk of index.chunks(ref)) {
        const { block, offset, length } = chunk;
        readChunk(blocks[block] as Uint8Array, offset, offset + length, columns, undefined, index.times);
      }
      const chunks = index.chunks(ref);
      yield {
        what: 'series',
        labels: formatLabels(index.labels(ref)),
        chunks: chunks.length,
        samples: columns.length,
        bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
        firstMs: columns.timestampsMs[0] as number,
        lastMs: columns.timestampsMs[columns.length - 1] as number,
      };
    }
  }
}

/** Throws `MANIFEST_CORRUPT`. */
export async function* inspectManifest(bytes: Uint8Array): AsyncIterable<Fact> {
  const { entries, merged, ...manifest } = decodeSegmentManifest(bytes);
  yield { what: 'manifest', bytes: bytes.length, ...manifest, entries: entries.length, merged: merged.length };
  for (const { tenants, ...entry } of entries) {
    yield { what: 'entry', ...entry };
    for (const { metrics, ...totals } of tenants) {
      yield { what: 'tenant', ...totals, firstMetric: metrics?.first ?? '', lastMetric: metrics?.last ?? '' };
    }
  }
  for (const { startMs, lives } of merged) {
    for (const life of lives) yield { what: 'merged', startMs, ...life };
  }
}
