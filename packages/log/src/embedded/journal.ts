import {
  assert,
  type Clock,
  type Disk,
  type DiskFile,
  isTidemarkError,
  must,
  type Random,
  TidemarkError,
} from '@tidemark/base';
import { encodeSnapshot, type Snapshot } from './control-body.ts';
import { corrupt, fromDisk } from './faults.ts';
import { encodeFileHeader } from './file-header.ts';
import { journalName, unfinishedName } from './file-name.ts';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES, Kind } from './format.ts';
import { bodyIsRight, decodeFrameHeader, encodeFrameHeader } from './frame.ts';
import { JournalFile } from './journal-file.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { FrameReader } from './partition.ts';
import type { FrameAt } from './partition-index.ts';
import { ReadCache } from './read-cache.ts';
import { decodeRecords, type RecordsBody } from './records-body.ts';
import { holdsRecords, recordsStart } from './transaction-body.ts';

// The journal's files: writes groups of frames to the last one, reads frames back from any.
//
//   write(group):  too big? next file     cut what a failed write left     one append, one sync
//
// A failed append is cut away and the log goes on. A failed sync for want of room likewise. Any other failed sync leaves
// what the disk holds in doubt: the journal refuses everything until it is opened (and replayed) anew.

export interface FrameToWrite {
  readonly kind: Kind;
  readonly body: readonly Uint8Array[];
}

export interface JournalParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
}

export class Journal implements FrameReader {
  readonly files: JournalFile[];
  readonly #parts: JournalParts;
  readonly #cache: ReadCache;
  /** Files of before the current one that are open, least recently read first. */
  readonly #open = new Set<JournalFile>();
  #doubt: TidemarkError | undefined;

  /** `files` as replay found them, oldest first. */
  constructor(parts: JournalParts, files: JournalFile[]) {
    this.#parts = parts;
    this.files = files;
    this.#cache = new ReadCache(parts.options.readCacheBytesMax);
    this.countFiles();
  }

  get current(): JournalFile {
    return must(this.files.at(-1), 'the journal has a file');
  }

  get isFull(): boolean {
    return this.files.length === 0 || this.current.syncedBytes >= this.#parts.options.fileBytesMax;
  }

  get bytes(): number {
    let sum = 0;
    for (const file of this.files) sum += file.syncedBytes;
    return sum;
  }

  /**
   * Writes the frames together and syncs. Resolves to where they are. After a failure none of them is in the log (though a
   * crash before the next write may bring them back). Throws `LOG_FULL`, `LOG_IO`.
   */
  async write(frames: readonly FrameToWrite[]): Promise<FrameAt[]> {
    if (this.#doubt) throw this.#doubt;
    const file = this.current;
    const handle = await this.#clean(file);
    const pieces: Uint8Array[] = [];
    const places: FrameAt[] = [];
    let position = file.syncedBytes;
    for (const { kind, body } of frames) {
      const header = encodeFrameHeader({ kind, body, syncedTo: file.syncedBytes }, file.header, position);
      pieces.push(header, ...body);
      let length = header.length;
      for (const piece of body) length += piece.length;
      places.push({ file: file.number, position, length });
      position += length;
    }
    await this.#appendAndSync(handle, file, pieces);
    assert(handle.size === position, 'the file ends where the last frame does');
    file.syncedBytes = position;
    this.countFiles();
    return places;
  }

  /** Begins the next file with this snapshot. The file before is whole and on disk. Throws `LOG_FULL`, `LOG_IO`. */
  async roll(snapshot: (previous: { number: number; length: number }) => Snapshot): Promise<void> {
    if (this.#doubt) throw this.#doubt;
    const { disk, clock, random, options } = this.#parts;
    const previous = this.files.at(-1);
    if (previous) await this.#clean(previous);
    const header = {
      number: (previous?.number ?? 0) + 1,
      salt: random.below(0x1_0000_0000),
      createdMs: clock.nowMs(),
    };
    const body = [encodeSnapshot(snapshot({ number: previous?.number ?? 0, length: previous?.syncedBytes ?? 0 }))];
    const frame = { kind: Kind.snapshot, body, syncedTo: FILE_HEADER_BYTES };
    const unfinished = `${options.folder}/${unfinishedName(header.number)}`;
    const path = `${options.folder}/${journalName(header.number)}`;
    let handle: DiskFile | undefined;
    try {
      await disk.remove(unfinished);
      handle = await disk.open(unfinished, { create: true });
      await handle.append([encodeFileHeader(header), encodeFrameHeader(frame, header, FILE_HEADER_BYTES), ...body]);
      await handle.sync();
      await disk.rename(unfinished, path);
      await disk.syncFolder(options.folder);
    } catch (error) {
      await handle?.close();
      throw fromDisk(error, `begin ${path}`);
    }
    this.files.push(new JournalFile(disk, path, header, handle.size, handle));
    this.countFiles();
    if (previous) await this.#keepOpen(previous);
  }

  async readRecords(at: FrameAt): Promise<RecordsBody | undefined> {
    const found = this.#cache.get(at);
    if (found) return found;
    const file = this.#file(at.file);
    if (!file) return undefined;
    // A reader behind the tail usually wants the frames behind this one next.
    const want = Math.max(at.length, Math.min(this.#parts.options.readAheadBytes, file.syncedBytes - at.position));
    const bytes = new Uint8Array(want);
    let read: number;
    try {
      // Begun before anything is waited for: from now on the file may go, and the read finishes.
      [read] = await Promise.all([file.readAt(at.position, bytes), this.#keepOpen(file)]);
    } catch (error) {
      throw fromDisk(error, `read ${file.path}`);
    }
    this.#parts.metrics.readBackBytes.add(read);
    this.#decodeAll(file, at, bytes.subarray(0, read));
    return must(this.#cache.get(at), 'the frame asked for was decoded');
  }

  /** Removes the oldest file. Who reads it just now finishes. */
  async removeOldest(): Promise<void> {
    assert(this.files.length > 1, 'the current file stays');
    const file = must(this.files.shift(), 'there is an oldest file');
    this.#open.delete(file);
    await file.close();
    const { disk, options } = this.#parts;
    await disk.remove(file.path);
    // One at a time, so that a crash never brings an older one back without its successor.
    await disk.syncFolder(options.folder);
    this.countFiles();
  }

  countFiles(): void {
    this.#parts.metrics.journalBytes.set(this.bytes);
    this.#parts.metrics.journalFiles.set(this.files.length);
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }

  /** The file is open, or about to be; so is another no longer, if they are too many. The current one does not count. */
  async #keepOpen(file: JournalFile): Promise<void> {
    if (file === this.files.at(-1)) return;
    this.#open.delete(file);
    this.#open.add(file);
    for (const oldest of this.#open) {
      if (this.#open.size <= this.#parts.options.openFilesMax) return;
      this.#open.delete(oldest);
      await oldest.close();
    }
  }

  /** The handle, with nothing behind what is known to be on disk. */
  async #clean(file: JournalFile): Promise<DiskFile> {
    try {
      const handle = await file.handle();
      if (handle.size < file.syncedBytes) {
        throw corrupt(file.path, `the file was cut to ${handle.size} bytes while in use`, { position: handle.size });
      }
      if (handle.size !== file.syncedBytes) await handle.truncate(file.syncedBytes);
      return handle;
    } catch (error) {
      throw fromDisk(error, `cut ${file.path} back to ${file.syncedBytes} bytes`);
    }
  }

  async #appendAndSync(handle: DiskFile, file: JournalFile, pieces: readonly Uint8Array[]): Promise<void> {
    const { clock, metrics } = this.#parts;
    const startMs = clock.monotonicMs();
    let syncing = false;
    try {
      await handle.append(pieces);
      syncing = true;
      await handle.sync();
    } catch (error) {
      const fault = fromDisk(error, `write ${file.path}`);
      if (syncing && !isTidemarkError(error, 'DISK_FULL')) {
        this.#doubt = new TidemarkError(
          'LOG_IO',
          `${file.path} could not be synced; what the disk holds is in doubt. Check the disk and start again: what was acknowledged is replayed.`,
          { path: file.path, syncedBytes: file.syncedBytes },
          error,
        );
        throw this.#doubt;
      }
      // Give the room back at once; whether that works or not, the next write cuts again.
      await this.#clean(file).catch(() => undefined);
      throw fault;
    }
    metrics.appendSeconds.observe((clock.monotonicMs() - startMs) / 1000);
  }

  /** Decodes the frame at the front of `bytes`, and every whole records frame behind it, into the cache. */
  #decodeAll(file: JournalFile, first: FrameAt, bytes: Uint8Array): void {
    let at = 0;
    const decoded: [FrameAt, RecordsBody][] = [];
    while (at < bytes.length) {
      const position = first.position + at;
      const header = decodeFrameHeader(bytes, at, file.header, position);
      const whole = header !== undefined && at + FRAME_HEADER_BYTES + header.length <= bytes.length;
      if (!whole || !bodyIsRight(header, bytes, at + FRAME_HEADER_BYTES)) {
        if (at > 0) break;
        throw corrupt(file.path, 'a frame read back is damaged', { position });
      }
      const length = FRAME_HEADER_BYTES + header.length;
      if (holdsRecords(header.kind)) {
        const body = decodeRecords(bytes, recordsStart(header.kind, bytes, at + FRAME_HEADER_BYTES), at + length);
        decoded.push([{ file: file.number, position, length }, body]);
      }
      at += length;
    }
    // The one asked for last, so that nothing pushes it out.
    for (const [place, body] of decoded.reverse()) this.#cache.put(place, body);
  }

  #file(number: number): JournalFile | undefined {
    return this.files[number - (this.files[0]?.number ?? 0)];
  }
}
