import type { Disk, Logger } from '@tidemark/base';
import { JOURNAL_FOLDER, journalFileName, parseJournalFileName } from '../filename.ts';
import { TIERS } from '../head/resolve.ts';
import {
  decodeFileHeader,
  type Ends,
  FILE_HEADER_BYTES,
  type FileHeader,
  FRAME_HEADER_BYTES,
  type FrameToWrite,
  KIND,
  noEnds,
  type RecordKind,
  raiseEnd,
} from './format.ts';
import type { JournalLosses, Piece } from './losses.ts';
import type { JournalMetrics } from './metrics.ts';
import { type Scanned, scanFrames } from './scan.ts';

// Reads the journal from its oldest file on, and says what is missing.
//
//   sequence   3 4 5 6 │ 7 8 ▒▒ 11 12 │ 13 14 ▒▒▒          a gap is a loss, unless checkpoints have all that may have been in it
//              file 1  │ file 2       │ file 3: torn
//
// What follows the last place of the last file that is known to have been on disk (`tail`) is as good as written, but perhaps only in
// memory: whoever goes on writes it again.

export interface JournalFacts {
  readonly number: number;
  readonly bytes: number;
  /** Of all records up to the end of the file. */
  readonly ends: Ends;
}

export interface Replayed {
  readonly files: readonly JournalFacts[];
  /** Of the last file, if it has a header and nothing else: it may be gone on with. */
  readonly untouched: FileHeader | undefined;
  /** Bytes of the last file that are known to have been on disk. */
  readonly durableTo: number;
  readonly tail: readonly FrameToWrite<RecordKind>[];
  /** Of all but the tail. */
  readonly ends: Ends;
  /** The sequence that follows all there are. */
  readonly next: number;
}

export interface ReplayParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: Pick<JournalMetrics, 'tornBytes'>;
  readonly losses: JournalLosses;
  /** By tier, the offset below which all is in checkpoints. */
  readonly positions: Ends;
}

export type Visit = (frame: FrameToWrite<RecordKind>) => Promise<void>;

/** Throws `DISK_*`, `JOURNAL_NEWER`, and what `visit` throws. */
export async function replayJournal(parts: ReplayParts, visit: Visit): Promise<Replayed> {
  const replay = new Replay(parts, visit);
  const numbers = await journalNumbers(parts.disk);
  const headers: (FileHeader | undefined)[] = [];
  for (const number of numbers) headers.push(await readHeader(parts.disk, number));
  for (const [i, number] of numbers.entries()) {
    const next = numbers[i + 1] === number + 1 ? headers[i + 1] : undefined;
    await replay.file(number, headers[i], next, i === numbers.length - 1);
  }
  return replay.end(headers.at(-1));
}

export async function journalNumbers(disk: Disk): Promise<number[]> {
  const names = await disk.list(JOURNAL_FOLDER);
  return names.map(parseJournalFileName).filter((number) => number !== undefined);
}

export const journalPath = (number: number) => `${JOURNAL_FOLDER}/${journalFileName(number)}`;

async function readHeader(disk: Disk, number: number): Promise<FileHeader | undefined> {
  const file = await disk.open(journalPath(number));
  try {
    const bytes = new Uint8Array(FILE_HEADER_BYTES);
    const read = await file.readAt(0, bytes);
    return decodeFileHeader(bytes.subarray(0, read), number);
  } finally {
    await file.close();
  }
}

class Replay {
  readonly #parts: ReplayParts;
  readonly #visit: Visit;
  readonly #files: JournalFacts[] = [];
  readonly #ends = noEnds();
  #expected = 0;
  /** Unreadable, and not held against a gap yet. */
  #pieces: Piece[] = [];
  #tail: FrameToWrite<RecordKind>[] = [];
  #durableTo = 0;

  constructor(parts: ReplayParts, visit: Visit) {
    this.#parts = parts;
    this.#visit = visit;
  }

  async file(number: number, header: FileHeader | undefined, next: FileHeader | undefined, isLast: boolean) {
    const bytes = await this.#parts.disk.read(journalPath(number));
    this.#tail = [];
    this.#durableTo = bytes.length;
    if (header === undefined) {
      this.#pieces.push({ number, at: 0, bytes });
      if (isLast) await this.#endUnread(bytes.length);
    } else {
      await this.#reach(header.first, header.ends, number);
      this.#raise(header.ends);
      const scanned = [...scanFrames(bytes, header, next?.previousLength)];
      this.#durableTo = durableEnd(header, scanned);
      for (const one of scanned) await this.#step(number, bytes, one, next, isLast);
    }
    this.#files.push({ number, bytes: bytes.length, ends: this.#ends.slice() });
  }

  end(last: FileHeader | undefined): Replayed {
    const file = this.#files.at(-1);
    this.#parts.losses.noteDamage(this.#pieces);
    return {
      files: this.#files,
      untouched: file?.bytes === FILE_HEADER_BYTES ? last : undefined,
      durableTo: this.#durableTo,
      tail: this.#tail,
      ends: this.#ends,
      next: this.#expected,
    };
  }

  async #step(number: number, bytes: Uint8Array, one: Scanned, next: FileHeader | undefined, isLast: boolean) {
    if (one.what === 'torn') {
      this.#parts.metrics.tornBytes.add(one.end - one.at);
      this.#parts.logger.warn('the journal ends in a torn write: it was never acknowledged', {
        number,
        at: one.at,
        bytes: one.end - one.at,
      });
    } else if (one.what === 'damage') this.#pieces.push({ number, at: one.at, bytes: bytes.slice(one.at, one.end) });
    else {
      const { kind, sequence } = one.header;
      await this.#reach(sequence, next?.ends, number);
      // What is known already: said again by a file whose header cannot be read.
      if (kind === KIND.mark || sequence < this.#expected) return;
      const frame = { kind, sequence, body: one.body };
      await this.#visit(frame);
      this.#expected = sequence + 1;
      if (isLast && one.at >= this.#durableTo) this.#tail.push({ ...frame, body: one.body.slice() });
      else raiseEnd(this.#ends, kind, sequence);
    }
  }

  /** The next record there is has this sequence. `ends`: where tiers end at most, in what lies before. */
  async #reach(sequence: number, ends: Ends | undefined, foundBefore: number): Promise<void> {
    const from = sequence > this.#expected ? this.#missedFrom(sequence, ends) : sequence;
    if (from < sequence) await this.#parts.losses.add({ from, to: sequence }, this.#pieces, foundBefore);
    else this.#parts.losses.noteDamage(this.#pieces);
    this.#pieces = [];
    this.#expected = Math.max(this.#expected, sequence);
  }

  /** From where on a record of before `sequence` may be missing: one that no checkpoint has. */
  #missedFrom(sequence: number, ends: Ends | undefined): number {
    const { positions } = this.#parts;
    let from = sequence;
    for (const tier of TIERS.keys()) {
      const position = positions[tier] as number;
      const end = Math.min(sequence, ends?.[tier] ?? sequence);
      // A tier that has nothing in the gap is behind it, however old its last record is.
      if (end > this.#expected && position < end) from = Math.min(from, Math.max(this.#expected, position));
    }
    return from;
  }

  /** A file that nothing can be read of, and no other after it. */
  async #endUnread(bytes: number): Promise<void> {
    // Cut within the header, it may have had any number: one, to say so.
    const records = bytes < FILE_HEADER_BYTES ? 1 : Math.floor((bytes - FILE_HEADER_BYTES) / FRAME_HEADER_BYTES);
    if (records === 0) return;
    // As many as there can have been: none of their numbers is given again.
    await this.#reach(this.#expected + records, undefined, 0);
  }

  /** What came before, whether it could be read or not. */
  #raise(ends: Ends): void {
    for (const [tier, end] of ends.entries()) this.#ends[tier] = Math.max(this.#ends[tier] as number, end);
  }
}

/** By what a file says itself. */
function durableEnd(header: FileHeader, scanned: readonly Scanned[]): number {
  let end = header.ownLength;
  for (const one of scanned) if (one.what === 'frame') end = Math.max(end, one.header.syncedTo);
  return end;
}
