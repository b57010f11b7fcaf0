import type { DiskFile } from '@tidemark/base';
import type { FileHeader } from './file-header.ts';
import { FRAME_HEADER_BYTES } from './format.ts';
import { bodyIsRight, decodeFrameHeader, type FrameHeader } from './frame.ts';

// Walks a file's frames from the front. Who walks decides what a bad frame means.

export type Scanned =
  | {
      readonly state: 'good';
      readonly position: number;
      /** Of the whole frame. */
      readonly length: number;
      readonly header: FrameHeader;
      /** A view; valid until the next step. */
      readonly body: Uint8Array;
    }
  | { readonly state: 'bad'; readonly position: number; readonly reason: string };

// 1 GiB: no frame comes near (inFlightBytesMax bounds it); a reader is not talked into allocating more.
const FRAME_BYTES_MAX = 0x4000_0000;
const CHUNK_BYTES = 1024 * 1024;

type Readable = Pick<DiskFile, 'readAt'>;

export class FrameScanner {
  readonly #file: Readable;
  readonly #header: FileHeader;
  #buffer = new Uint8Array(CHUNK_BYTES);
  /** Position in the file of the buffer's first byte. */
  #bufferAt: number;
  #filled = 0;
  #position: number;

  constructor(file: Readable, header: FileHeader, position: number) {
    this.#file = file;
    this.#header = header;
    this.#bufferAt = position;
    this.#position = position;
  }

  /** Where the next frame would begin. */
  get position(): number {
    return this.#position;
  }

  /** The next frame; undefined at a clean end. After a bad one there is no next. */
  async next(): Promise<Scanned | undefined> {
    const position = this.#position;
    let there = await this.#need(FRAME_HEADER_BYTES);
    if (there === 0) return undefined;
    if (there < FRAME_HEADER_BYTES) return bad(position, 'the frame header is cut off');
    const header = decodeFrameHeader(this.#buffer, position - this.#bufferAt, this.#header, position);
    if (!header || header.length > FRAME_BYTES_MAX) return bad(position, 'the frame header is damaged');
    const length = FRAME_HEADER_BYTES + header.length;
    there = await this.#need(length);
    if (there < length) return bad(position, 'the frame is cut off');
    const bodyAt = position - this.#bufferAt + FRAME_HEADER_BYTES;
    if (!bodyIsRight(header, this.#buffer, bodyAt)) return bad(position, 'the frame body is damaged');
    this.#position += length;
    return { state: 'good', position, length, header, body: this.#buffer.subarray(bodyAt, bodyAt + header.length) };
  }

  /** Gets `count` bytes from the position into the buffer; returns how many are there, at most `count`. */
  async #need(count: number): Promise<number> {
    const at = this.#position - this.#bufferAt;
    if (this.#filled - at >= count) return count;
    const rest = this.#buffer.subarray(at, this.#filled);
    if (count > this.#buffer.length) {
      const grown = new Uint8Array(count);
      grown.set(rest);
      this.#buffer = grown;
    } else {
      this.#buffer.copyWithin(0, at, this.#filled);
    }
    this.#bufferAt = this.#position;
    this.#filled = rest.length;
    this.#filled += await this.#file.readAt(this.#bufferAt + this.#filled, this.#buffer.subarray(this.#filled));
    return Math.min(count, this.#filled);
  }
}

/**
 * The position of a whole frame in `bytes` (which begin at `bytesAt` of the file) that proves that `badAt` was on disk once;
 * undefined when there is none.
 */
export function findProof(bytes: Uint8Array, bytesAt: number, file: FileHeader, badAt: number): number | undefined {
  for (let i = badAt + 1 - bytesAt; i + FRAME_HEADER_BYTES <= bytes.length; i++) {
    const header = decodeFrameHeader(bytes, i, file, bytesAt + i);
    if (header && header.syncedTo > badAt && bodyIsRight(header, bytes, i + FRAME_HEADER_BYTES)) return bytesAt + i;
  }
  return undefined;
}

function bad(position: number, reason: string): Scanned {
  return { state: 'bad', position, reason };
}
