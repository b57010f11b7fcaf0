import type { Disk, DiskFile } from '@tidemark/base';
import type { FileHeader } from './file-header.ts';
import type { Partition } from './partition.ts';

/** One file of the journal: its size, what it holds of each partition, and its handle, opened when first read. */
export class JournalFile {
  readonly number: number;
  readonly path: string;
  readonly header: FileHeader;
  /** Bytes known to be on disk. */
  syncedBytes: number;
  /** When its newest record came. */
  newestMs: number;
  /** Where each partition ends in this file, if it has records here. */
  readonly ends = new Map<Partition, number>();
  readonly #disk: Disk;
  #handle: Promise<DiskFile> | undefined;
  #reads = 0;
  /** Nobody needs the handle once the reads under way are over. */
  #closing = false;

  constructor(disk: Disk, path: string, header: FileHeader, syncedBytes: number, handle?: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.number = header.number;
    this.header = header;
    this.newestMs = header.createdMs;
    this.syncedBytes = syncedBytes;
    this.#handle = handle && Promise.resolve(handle);
  }

  noteRecords(partition: Partition, end: number, timestampMs: number): void {
    this.ends.set(partition, end);
    this.newestMs = Math.max(this.newestMs, timestampMs);
  }

  /** The handle, for the one who appends. */
  handle(): Promise<DiskFile> {
    this.#handle ??= this.#open();
    return this.#handle;
  }

  async readAt(position: number, into: Uint8Array): Promise<number> {
    this.#reads++;
    this.#closing = false;
    try {
      return await (await this.handle()).readAt(position, into);
    } finally {
      this.#reads--;
      if (this.#closing) await this.close();
    }
  }

  /**
   * Waits for nobody: reads under way finish first, the last of them closes. Twice is fine. A later read opens the file again, if
   * it is still there.
   */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#reads > 0) return;
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle)?.close();
  }

  async #open(): Promise<DiskFile> {
    try {
      return await this.#disk.open(this.path);
    } catch (error) {
      // The next reader tries again.
      this.#handle = undefined;
      throw error;
    }
  }
}
