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

  /** Its blocks will not be asked for again. */
  forget(source: BlockSource): void {
    for (const key of this.#blocks.keys()) if (key.startsWith(`${source.id}#`)) this.#blocks.delete(key);
  }

  get bytes(): number {
    return this.#blocks.calculatedSize;
  }
}

type Loaded = Map<BlockSource, Map<number, Uint8Array | undefined>>;

/** The blocks that some series need, loaded together. Held for as long as those series are decoded, whatever the cache does. */
export class LoadedBlocks {
  readonly #loaded: Loaded = new Map();
  /** The block asked for last: neighbours share it. */
  #last: { readonly source: BlockSource; readonly number: number; readonly bytes: Uint8Array | undefined } | undefined;

  /** Blocks that were loaded before, for the series ahead of these, are not read again: series share blocks with neighbours. */
  static async load(
    cache: BlockCache,
    series: readonly GatheredSeries[],
    before?: LoadedBlocks,
  ): Promise<LoadedBlocks> {
    const blocks = new LoadedBlocks();
    const missing = new Map<BlockSource, number[]>();
    let lastSource: BlockSource | undefined;
    let lastBlock = -1;
    for (const { chunks } of series) {
      for (const { source, block } of chunks) {
        if (source === undefined || (source === lastSource && block === lastBlock)) continue;
        lastSource = source;
        lastBlock = block;
        let loaded = blocks.#loaded.get(source);
        if (loaded === undefined) {
          loaded = new Map();
          blocks.#loaded.set(source, loaded);
        }
        if (loaded.has(block)) continue;
        const known = before?.block(source, block) ?? (source.cacheable ? cache.get(source, block) : undefined);
        loaded.set(block, known);
        if (known !== undefined) continue;
        const list = missing.get(source);
        if (list === undefined) missing.set(source, [block]);
        else list.push(block);
      }
    }
    const load = async (source: BlockSource, numbers: readonly number[]) => {
      const payloads = await source.readBlocks(numbers);
      payloads.forEach((payload, i) => {
        const block = numbers[i] as number;
        blocks.#loaded.get(source)?.set(block, payload);
        if (payload !== undefined && source.cacheable) cache.set(source, block, payload);
      });
    };
    await Promise.all([...missing].map(([source, numbers]) => load(source, numbers)));
    return blocks;
  }

  /** The bytes a chunk lies in; undefined when they are lost. */
  bytesOf({ source, block, bytes }: ChunkRef): Uint8Array | undefined {
    if (source === undefined) return bytes;
    const last = this.#last;
    if (last !== undefined && last.source === source && last.number === block) return last.bytes;
    const found = this.block(source, block);
    this.#last = { source, number: block, bytes: found };
    return found;
  }

  block(source: BlockSource, number: number): Uint8Array | undefined {
    return this.#loaded.get(source)?.get(number);
  }
}
