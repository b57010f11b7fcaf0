import { createHash } from 'node:crypto';
import { isTidemarkError, messageOf } from '@tidemark/base';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import { MANIFEST_PREFIX, parseManifestCopyName, parseManifestName } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { bufferRanges, readBlock, readFooter, readTenantIndex } from '../segment/reader.ts';
import type { SegmentIndex } from '../segment/segment-index.ts';
import { decodeSegmentManifest, type Manifest, type SegmentEntry } from '../tiering/manifest.ts';
import type { Verified } from './verify.ts';

/** Every object, against the manifests; those that can be read are added to `manifests`, by `<topic>/<partition>`. */
export async function* verifyObjects(store: ObjectStore, manifests: Map<string, Manifest>): AsyncGenerator<Verified> {
  const entries = new Map<string, SegmentEntry>();
  let unread = 0;
  for await (const { name } of store.list(MANIFEST_PREFIX)) {
    const copyOf = parseManifestCopyName(name);
    const shard = copyOf ?? parseManifestName(name);
    try {
      const manifest = decodeSegmentManifest((await store.get(name)).bytes);
      if (shard?.topic !== manifest.topic || shard.partition !== manifest.partition) {
        yield damaged(name, `it is the manifest of ${manifest.topic}/${manifest.partition}`);
        continue;
      }
      // What a crash left of a change: the next start makes it the same.
      if (copyOf !== undefined) {
        yield { file: name, verdict: 'ok', detail: `${manifest.entries.length} segments` };
        continue;
      }
      manifests.set(`${manifest.topic}/${manifest.partition}`, manifest);
      for (const entry of manifest.entries) entries.set(entry.object, entry);
      yield { file: name, verdict: 'ok', detail: `${manifest.entries.length} segments` };
    } catch (error) {
      if (!isTidemarkError(error) || error.code.startsWith('OBJECT_STORE_')) throw error;
      if (copyOf === undefined) unread++;
      yield damaged(name, messageOf(error));
    }
  }
  for await (const { name } of store.list('')) {
    if (name.startsWith(MANIFEST_PREFIX)) continue;
    const entry = entries.get(name);
    entries.delete(name);
    if (entry !== undefined) yield await verifySegment(store, entry);
    // Its manifest may be the one that cannot be read.
    else if (unread > 0) yield { file: name, verdict: 'ok', detail: 'named by no manifest that can be read' };
    else yield { file: name, verdict: 'orphan', detail: 'no manifest names it' };
  }
  for (const name of entries.keys()) yield { file: name, verdict: 'missing', detail: 'its manifest names it' };
}

function damaged(file: string, detail: string): Verified {
  return { file, verdict: 'damaged', detail };
}

async function verifySegment(store: ObjectStore, entry: SegmentEntry): Promise<Verified> {
  const { object } = entry;
  try {
    const { bytes } = await store.get(object);
    if (bytes.length !== entry.bytes) return damaged(object, `${bytes.length} bytes; its manifest says ${entry.bytes}`);
    const said = await segmentSays(object, bytes, entry);
    if (said.wrong !== undefined) return damaged(object, said.wrong);
    // The name ends with the beginning of the content's digest: it covers what no checksum inside does.
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    if (!object.endsWith(`-${digest}.seg`)) return damaged(object, 'its content has another digest than its name says');
    return { file: object, verdict: 'ok', detail: `${said.series} series, ${said.samples} samples` };
  } catch (error) {
    if (!isTidemarkError(error) || error.code.startsWith('OBJECT_STORE_')) throw error;
    return damaged(object, messageOf(error));
  }
}

interface Said {
  readonly series: number;
  readonly samples: number;
  /** Where it contradicts its manifest. */
  readonly wrong: string | undefined;
}

/** Decodes every chunk. Throws what the readers throw. */
async function segmentSays(name: string, bytes: Uint8Array, entry: SegmentEntry): Promise<Said> {
  const ranges = bufferRanges(name, bytes);
  const footer = await readFooter(ranges);
  const said = { series: 0, samples: 0 };
  const wrong = (what: string): Said => ({ ...said, wrong: what });
  for (const key of ['startMs', 'endMs', 'sequence', 'part', 'sealedThroughOffset'] as const) {
    if (footer[key] !== entry[key]) return wrong(`its footer says ${key} ${footer[key]}, its manifest ${entry[key]}`);
  }
  for (const key of footer.version < 2 ? [] : (['level', 'cleanedThrough'] as const)) {
    if (footer[key] !== entry[key]) return wrong(`its footer says ${key} ${footer[key]}, its manifest ${entry[key]}`);
  }
  if (footer.tenants.length !== entry.tenants.length) return wrong('its manifest names other tenants');
  for (const { tenant, series, samples } of entry.tenants) {
    const index = await readTenantIndex(ranges, footer, tenant);
    if (index === undefined) return wrong(`it has nothing of the tenant ${tenant}`);
    const blocks = await Promise.all(index.blocks.map((block) => readBlock(ranges, block, footer.version)));
    const found = countSamples(index, blocks, footer.columnCount);
    if (index.count !== series || found !== samples) {
      return wrong(`${index.count} series, ${found} samples of ${tenant}; its manifest says ${series}, ${samples}`);
    }
    said.series += series;
    said.samples += samples;
  }
  return { ...said, wrong: undefined };
}

function countSamples(index: SegmentIndex, blocks: readonly Uint8Array[], columnCount: number): number {
  const columns = new Columns(columnCount);
  let samples = 0;
  for (const ref of index.refs()) {
    columns.reset();
    for (const { block, offset, length } of index.chunks(ref)) {
      readChunk(blocks[block] as Uint8Array, offset, offset + length, columns, undefined, index.times);
    }
    samples += columns.length;
  }
  return samples;
}
