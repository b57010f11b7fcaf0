import { LRUCache } from 'lru-cache';
import type { BlockSource, ChunkRef, GatheredSeries } from './chunk-ref.ts';

/** Blocks of windows in memory, verified, up to a number of bytes. Segments have a cache of their own, below their reader. */
export class BlockCache {
  readonly #blocks: LRUCache<string, Uint8Array>;

  constructor(bytesMax: number) {
    this.#blocks = new LRUCache({ maxSize: bytesMax, sizeCalculation: (bytes) => bytes.length + 200 });
  }

  get(source: BlockSource, block: number): Uint8Array | undefined {
    return this.#blocks.get(`${source.id}#${block}`);
  }

  set(source: BlockSource, block: number, bytes: Uint8Array): void {
    this.#blocks.set(`${source.id}#${block}`, bytes);
  }

  get bytes(): number {
    return this.#blocks.calculatedSize;
  }
}

/** The blocks that some series need, loaded together. Held for as long as those series are decoded, whatever the cache does. */
export class LoadedBlocks {
  readonly #loaded = new Map<string, Uint8Array | undefined>();

  static async load(cache: BlockCache, series: readonly GatheredSeries[]): Promise<LoadedBlocks> {
    const loaded = new LoadedBlocks();
    const missing = new Map<BlockSource, number[]>();
    for (const { chunks } of series) {
      for (const { source, block } of chunks) {
        if (source === undefined) continue;
        const key = `${source.id}#${block}`;
        if (loaded.#loaded.has(key)) continue;
        const known = source.cacheable ? cache.get(source, block) : undefined;
        loaded.#loaded.set(key, known);
        if (known !== undefined) continue;
        const list = missing.get(source);
        if (list === undefined) missing.set(source, [block]);
        else list.push(block);
      }
    }
    for (const [source, blocks] of missing) {
      const payloads = await source.readBlocks(blocks);
      payloads.forEach((payload, i) => {
        const block = blocks[i] as number;
        loaded.#loaded.set(`${source.id}#${block}`, payload);
        if (payload !== undefined && source.cacheable) cache.set(source, block, payload);
      });
    }
    return loaded;
  }

  /** The bytes a chunk lies in; undefined when they are lost. */
  bytesOf(chunk: ChunkRef): Uint8Array | undefined {
    if (chunk.source === undefined) return chunk.bytes;
    return this.#loaded.get(`${chunk.source.id}#${chunk.block}`);
  }
}
