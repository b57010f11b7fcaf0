import { type Clock, type Disk, isTidemarkError, type Logger, Mutex, messageOf } from '@tidemark/base';
import { DISK_CACHE_FOLDER } from '../filename.ts';
import type { ObjectStore } from './object-store.ts';
import { objectKey, openPiece, PIECE_HEADER_BYTES, parsePieceName, pieceHeader, pieceName } from './piece.ts';

// Pieces of immutable objects on this machine's disk, up to a number of bytes. What was read longest ago goes first.
//
//   getRange   ├──256 KiB──┼──256 KiB──┼──256 KiB──┤      pieces that are here are read, neighbours that are not are one request
//
// Nothing is synced and nothing is promised: a piece that is torn, flipped or gone is fetched again. Writing is beside the reader's
// way, one file at a time, and what is written longer than it is read is not written at all. A disk that is full gets all of it back.

/** What reads need of where objects lie. */
export interface RangeSource extends Pick<ObjectStore, 'getRange'> {
  /** What it gave of an object may be other than the object is. */
  forget?(name: string): void;
}

export interface DiskCacheInit {
  readonly store: Pick<ObjectStore, 'getRange'>;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bytesMax: number;
}

export interface DiskCacheCounts {
  bytes: number;
  /** Pieces. */
  hits: number;
  misses: number;
  damaged: number;
  evicted: number;
  /** Those that could not be written, or for which there was no time. */
  unwritten: number;
}

// A request takes tens of milliseconds; so much more of the object is there in two or three, and is often read next.
export const PIECE_BYTES = 256 * 1024;
// Waiting to be written: a second or two of a slow disk.
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const PAUSE_MS = 60_000;
// An entry of the index.
const ENTRY_BYTES = 200;

interface Piece {
  readonly key: string;
  readonly number: number;
  readonly length: number;
  /** Until they are written. */
  waiting: Uint8Array | undefined;
}

export class DiskCache implements RangeSource {
  readonly #init: DiskCacheInit;
  /** By key and number; read last at the end. */
  readonly #pieces = new Map<string, Piece>();
  readonly #underWay = new Map<string, Promise<Uint8Array>>();
  readonly #changes = new Mutex();
  #lastChange: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  readonly counts: DiskCacheCounts = { bytes: 0, hits: 0, misses: 0, damaged: 0, evicted: 0, unwritten: 0 };

  private constructor(init: DiskCacheInit) {
    this.#init = init;
  }

  /** Undefined: none is wanted, and what there was of one is gone. What is wrong with the folder is no reason not to start. */
  static async openIfAny(init: DiskCacheInit): Promise<DiskCache | undefined> {
    if (init.bytesMax > 0) return DiskCache.open(init);
    try {
      await init.disk.removeFolder(DISK_CACHE_FOLDER);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      init.logger.warn('the cache of segments cannot be removed', { error: messageOf(error) });
    }
    return undefined;
  }

  /** What an earlier process left is there again. A folder that cannot be read is an empty cache. */
  static async open(init: DiskCacheInit): Promise<DiskCache> {
    const cache = new DiskCache(init);
    try {
      for (const file of await init.disk.list(DISK_CACHE_FOLDER)) {
        const found = parsePieceName(file);
        if (found) cache.#add({ key: found.key, number: found.number, length: found.bytes, waiting: undefined });
        else await init.disk.remove(`${DISK_CACHE_FOLDER}/${file}`);
      }
      cache.#evict();
    } catch (error) {
      cache.#paused(error);
    }
    return cache;
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    if (length <= 0) return this.#init.store.getRange(name, start, length);
    const key = objectKey(name);
    const first = Math.floor(start / PIECE_BYTES);
    const count = Math.floor((start + length - 1) / PIECE_BYTES) - first + 1;
    const known = await Promise.all(Array.from({ length: count }, (_, i) => this.#read(name, key, first + i)));
    const fetched: Promise<void>[] = [];
    for (let at = 0; at < count; at++) {
      if (known[at] !== undefined) continue;
      const from = at;
      while (at + 1 < count && known[at + 1] === undefined) at++;
      fetched.push(
        this.#fetch(name, key, first + from, at - from + 1).then((pieces) => {
          for (const [i, piece] of pieces.entries()) known[from + i] = piece;
        }),
      );
    }
    await Promise.all(fetched);
    return cut(known as Uint8Array[], start - first * PIECE_BYTES, length);
  }

  forget(name: string): void {
    const key = objectKey(name);
    for (const [id, piece] of this.#pieces) if (piece.key === key) this.#drop(id, piece);
  }

  /** When all that was begun is written or removed. */
  async settled(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#lastChange; ) {
      last = this.#lastChange;
      await last;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
  }

  async #read(name: string, key: string, number: number): Promise<Uint8Array | undefined> {
    const id = idOf(key, number);
    const piece = this.#pieces.get(id);
    if (piece === undefined) return undefined;
    const bytes = piece.waiting ?? (await this.#readFile(name, piece));
    if (bytes !== undefined) {
      this.counts.hits++;
      if (this.#pieces.get(id) === piece) {
        this.#pieces.delete(id);
        this.#pieces.set(id, piece);
      }
      return bytes;
    }
    this.counts.damaged++;
    if (this.#pieces.get(id) === piece) this.#drop(id, piece);
    return undefined;
  }

  async #readFile(name: string, { key, number, length }: Piece): Promise<Uint8Array | undefined> {
    try {
      const file = await this.#init.disk.read(pathOf(key, number, length));
      const bytes = openPiece(file, name, number);
      return bytes?.length === length ? bytes : undefined;
    } catch (error) {
      if (isTidemarkError(error)) return undefined;
      throw error;
    }
  }

  /** Pieces of one request; fewer, and the last one shorter, at the object's end. */
  async #fetch(name: string, key: string, first: number, count: number): Promise<readonly Uint8Array[]> {
    const id = `${idOf(key, first)}+${count}`;
    let request = this.#underWay.get(id);
    if (request === undefined) {
      this.counts.misses += count;
      request = this.#init.store
        .getRange(name, first * PIECE_BYTES, count * PIECE_BYTES)
        .finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, request);
      void request.then(
        (bytes) => this.#keep(name, key, first, piecesOf(bytes)),
        () => undefined, // told to whoever reads it
      );
    }
    return piecesOf(await request);
  }

  #keep(name: string, key: string, first: number, pieces: readonly Uint8Array[]): void {
    for (const [i, bytes] of pieces.entries()) {
      const number = first + i;
      const id = idOf(key, number);
      if (this.#closed || this.#pieces.has(id)) continue;
      if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX || this.#init.clock.nowMs() < this.#pausedUntilMs) {
        this.counts.unwritten++;
        continue;
      }
      // A copy: a piece must not hold all that came with it.
      const piece: Piece = { key, number, length: bytes.length, waiting: bytes.slice() };
      this.#waitingBytes += bytes.length;
      this.#add(piece);
      this.#change(() => this.#write(name, id, piece));
    }
    this.#evict();
  }

  async #write(name: string, id: string, piece: Piece): Promise<void> {
    const { key, number, length, waiting } = piece;
    this.#waitingBytes -= length;
    if (waiting === undefined || this.#pieces.get(id) !== piece) return;
    const path = pathOf(key, number, length);
    try {
      // Whatever is left there of another time.
      await this.#init.disk.remove(path);
      const file = await this.#init.disk.open(path, { create: true });
      try {
        await file.append([pieceHeader(name, number, waiting), waiting]);
      } finally {
        await file.close();
      }
      piece.waiting = undefined;
    } catch (error) {
      this.counts.unwritten++;
      if (this.#pieces.get(id) === piece) this.#drop(id, piece);
      this.#paused(error);
    }
  }

  #add(piece: Piece): void {
    this.#pieces.set(idOf(piece.key, piece.number), piece);
    this.counts.bytes += sizeOf(piece);
  }

  #drop(id: string, piece: Piece): void {
    this.#pieces.delete(id);
    this.counts.bytes -= sizeOf(piece);
    const path = pathOf(piece.key, piece.number, piece.length);
    this.#change(() => this.#init.disk.remove(path));
  }

  #evict(): void {
    for (const [id, piece] of this.#pieces) {
      if (this.counts.bytes <= this.#init.bytesMax) return;
      this.counts.evicted++;
      this.#drop(id, piece);
    }
  }

  /** One after another, so that what is removed is not what came after it. */
  #change(work: () => Promise<void>): void {
    this.#lastChange = this.#changes.run(work).catch((error: unknown) => this.#paused(error));
  }

  #paused(error: unknown): void {
    if (!isTidemarkError(error)) throw error;
    const { clock, logger } = this.#init;
    if (clock.nowMs() >= this.#pausedUntilMs) {
      logger.warn('the cache of segments cannot be written; it is left alone for a minute', {
        error: messageOf(error),
      });
    }
    this.#pausedUntilMs = clock.nowMs() + PAUSE_MS;
    if (error.code === 'DISK_FULL') for (const [id, piece] of this.#pieces) this.#drop(id, piece);
  }
}

function idOf(key: string, number: number): string {
  return `${key}-${number}`;
}

function pathOf(key: string, number: number, length: number): string {
  return `${DISK_CACHE_FOLDER}/${pieceName(key, number, length)}`;
}

function sizeOf({ length }: Piece): number {
  return PIECE_HEADER_BYTES + length + ENTRY_BYTES;
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  return pieces;
}

/** `[start, start + length)` of pieces one after another, as far as there are any. */
function cut(pieces: readonly (Uint8Array | undefined)[], start: number, length: number): Uint8Array {
  const into = new Uint8Array(length);
  let filled = 0;
  for (const [i, piece] of pieces.entries()) {
    if (piece === undefined) break;
    const from = i === 0 ? start : 0;
    const part = piece.subarray(from, from + length - filled);
    into.set(part, filled);
    filled += part.length;
    // The object ends here.
    if (piece.length < PIECE_BYTES) break;
  }
  return filled === length ? into : into.slice(0, filled);
}
