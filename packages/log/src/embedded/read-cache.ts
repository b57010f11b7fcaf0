import type { FrameAt } from './partition-index.ts';
import type { RecordsBody } from './records-body.ts';

/** Frames read back from disk, least recently used first out. A frame holds several partitions, whose turns come later. */
export class ReadCache {
  readonly #bytesMax: number;
  readonly #frames = new Map<string, { readonly bytes: number; readonly body: RecordsBody }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(at: FrameAt): RecordsBody | undefined {
    const key = keyOf(at);
    const found = this.#frames.get(key);
    if (!found) return undefined;
    this.#frames.delete(key);
    this.#frames.set(key, found);
    return found.body;
  }

  put(at: FrameAt, body: RecordsBody): void {
    const key = keyOf(at);
    if (this.#frames.has(key)) return;
    this.#frames.set(key, { bytes: at.length, body });
    this.#bytes += at.length;
    for (const [oldest, { bytes }] of this.#frames) {
      // The newest always stays, however large.
      if (this.#bytes <= this.#bytesMax || oldest === key) return;
      this.#frames.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

function keyOf(at: FrameAt): string {
  return `${at.file}/${at.position}`;
}
