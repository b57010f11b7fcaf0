import { assert, type Clock, type Disk, type DiskFile, must, type Random } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { JOURNAL_FOLDER } from '../filename.ts';
import {
  type Ends,
  encodeFileHeader,
  encodeFrame,
  FILE_HEADER_BYTES,
  type FileHeader,
  type FrameToWrite,
  KIND,
  type RecordKind,
  raiseEnd,
} from './format.ts';
import type { JournalMetrics } from './metrics.ts';
import type { JournalOptions } from './options.ts';
import { type JournalFacts, journalPath, type Replayed } from './replay.ts';

// Writes the journal's last file, begins the next, lets the oldest go.
//
// An append that fails is cut away, and the journal goes on. A sync that fails leaves in doubt what the disk holds: it is not repeated, and
// nothing more is taken until the journal is read and begun anew.

interface FilesParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly options: JournalOptions;
  readonly metrics: Pick<JournalMetrics, 'bytes' | 'records' | 'writeSeconds' | 'groupRecords'>;
}

interface CurrentFile {
  readonly number: number;
  readonly salt: number;
  readonly handle: DiskFile;
  /** All of it is on disk up to there. */
  syncedBytes: number;
}

export class JournalFiles {
  /** Before the current one, oldest first. */
  readonly #before: JournalFacts[];
  readonly #parts: FilesParts;
  #current: CurrentFile;
  /** Of all records that are on disk. */
  readonly #ends: Ends;
  #doubt: Error | undefined;

  private constructor(parts: FilesParts, before: readonly JournalFacts[], current: CurrentFile, ends: Ends) {
    this.#parts = parts;
    this.#before = [...before];
    this.#current = current;
    this.#ends = ends;
  }

  /**
   * Goes on behind what was replayed, in a file of its own: what is not known to be on disk of the last one is written again. `next`:
   * the sequence of the first record to come; `positions`: what checkpoints have. Throws `DISK_*`.
   */
  static async begin(parts: FilesParts, replayed: Replayed, next: number, positions: Ends): Promise<JournalFiles> {
    const { files, tail, untouched } = replayed;
    const ends = replayed.ends.map((end, tier) => Math.max(end, positions[tier] as number));
    const last = files.at(-1);
    if (untouched?.first === next && untouched.ends.every((end, tier) => end === ends[tier])) {
      return new JournalFiles(parts, files.slice(0, -1), await openCurrent(parts.disk, untouched), ends);
    }
    await parts.disk.makeFolder(JOURNAL_FOLDER);
    const header = {
      number: (last?.number ?? 0) + 1,
      salt: parts.random.below(0x1_0000_0000),
      first: tail[0]?.sequence ?? next,
      previousLength: last === undefined ? 0 : replayed.durableTo,
      ends,
    };
    const current = await createFile(parts.disk, header, tail);
    const after = ends.slice();
    for (const { kind, sequence } of tail) raiseEnd(after, kind, sequence);
    const begun = new JournalFiles(parts, files, current, after);
    const tailEnd = (tail.at(-1)?.sequence ?? next - 1) + 1;
    // What is passed over is passed over between files: their headers say that nothing is missing.
    if (tailEnd < next) await begun.#roll(next);
    return begun;
  }

  get count(): number {
    return this.#before.length + 1;
  }

  get bytes(): number {
    return this.bytesBefore + this.#current.syncedBytes;
  }

  /** Of those that checkpoints may let go. */
  get bytesBefore(): number {
    return this.#before.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get failed(): boolean {
    return this.#doubt !== undefined;
  }

  /**
   * Writes the frames with one sync. After a failure none of them is acknowledged; some may be there all the same when the journal is
   * opened next. Throws `DISK_*`; `JOURNAL_FAILED`, from then on always.
   */
  async write(frames: readonly FrameToWrite[]): Promise<void> {
    if (this.#doubt !== undefined) throw this.#doubt;
    const { clock, metrics, options } = this.#parts;
    const startMs = clock.monotonicMs();
    if (this.#current.syncedBytes >= options.fileBytesMax) await this.#roll(must(frames[0]).sequence);
    const { handle, salt, syncedBytes } = this.#current;
    const pieces: Uint8Array[] = [];
    let position = syncedBytes;
    for (const frame of frames) {
      pieces.push(...encodeFrame(frame, salt, position, syncedBytes));
      position += must(pieces.at(-2)).length + frame.body.length;
    }
    await this.#append(handle, pieces, syncedBytes);
    assert(handle.size === position, 'the file ends where the last frame does');
    await this.#sync(handle);
    this.#current.syncedBytes = position;
    let records = 0;
    for (const { kind, sequence } of frames) {
      if (kind === KIND.mark) continue;
      raiseEnd(this.#ends, kind, sequence);
      records++;
    }
    metrics.bytes.add(position - syncedBytes);
    metrics.records.add(records);
    if (records > 0) metrics.groupRecords.observe(records);
    metrics.writeSeconds.observe((clock.monotonicMs() - startMs) / 1000);
  }

  /** Removes the oldest files, as far as checkpoints have all of their records: by tier, what is below these. Throws `DISK_*`. */
  async release(kept: Ends): Promise<void> {
    for (;;) {
      const [oldest] = this.#before;
      if (oldest === undefined || !oldest.ends.every((end, tier) => end <= (kept[tier] as number))) return;
      await this.#parts.disk.remove(journalPath(oldest.number));
      // One at a time: a crash never brings one back without its successor.
      await this.#parts.disk.syncFolder(JOURNAL_FOLDER);
      this.#before.shift();
    }
  }

  close(): Promise<void> {
    return this.#current.handle.close();
  }

  async #roll(first: number): Promise<void> {
    const { number, syncedBytes, handle } = this.#current;
    const { disk, random } = this.#parts;
    const ends = this.#ends.slice();
    const header = {
      number: number + 1,
      salt: random.below(0x1_0000_0000),
      first,
      previousLength: syncedBytes,
      ends,
    };
    this.#current = await createFile(disk, header, []);
    this.#before.push({ number, bytes: syncedBytes, ends });
    await handle.close();
  }

  async #append(handle: DiskFile, pieces: readonly Uint8Array[], syncedBytes: number): Promise<void> {
    try {
      await handle.append(pieces);
    } catch (error) {
      try {
        await handle.truncate(syncedBytes);
      } catch (cause) {
        this.#doubt = failed(this.#current.number, cause);
      }
      throw error;
    }
  }

  async #sync(handle: DiskFile): Promise<void> {
    try {
      await handle.sync();
    } catch (error) {
      this.#doubt = failed(this.#current.number, error);
      throw this.#doubt;
    }
  }
}

async function createFile(
  disk: Disk,
  about: Omit<FileHeader, 'ownLength'>,
  frames: readonly FrameToWrite<RecordKind>[],
): Promise<CurrentFile> {
  const pieces: Uint8Array[] = [];
  let position = FILE_HEADER_BYTES;
  for (const frame of frames) {
    const encoded = encodeFrame(frame, about.salt, position, FILE_HEADER_BYTES);
    pieces.push(...encoded);
    position += encoded.reduce((sum, { length }) => sum + length, 0);
  }
  const header = { ...about, ownLength: position };
  await disk.writeAtomic(journalPath(header.number), Buffer.concat([encodeFileHeader(header), ...pieces]));
  return await openCurrent(disk, header);
}

async function openCurrent(disk: Disk, { number, salt }: FileHeader): Promise<CurrentFile> {
  const handle = await disk.open(journalPath(number));
  return { number, salt, handle, syncedBytes: handle.size };
}

function failed(number: number, cause: unknown): Error {
  return storageError(
    'JOURNAL_FAILED',
    `file ${number} of the journal could not be synced: what the disk holds is in doubt. Check the disk, close the engine and open it again: what was acknowledged is there`,
    { number },
    cause,
  );
}
