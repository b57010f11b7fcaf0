import { ByteReader, ByteWriter, crc32c, TidemarkError } from '@tidemark/base';

// An answer between processes is a run of frames; whoever reads it knows where it is cut.
//
//   answer := head | part* | end            a part: samples, rows, series, texts, metadata, cardinality, exemplars
//             head | part* | error          what came before the error is no answer
//   frame  := kind u8 | length u32 | crc u32 | body byte[length]
//
// crc is crc32c of kind, length and body. An answer without `end` or `error` was cut, however well its frames are.

export const FRAME_KINDS = {
  head: 1,
  samples: 2,
  rows: 3,
  series: 4,
  texts: 5,
  metadata: 6,
  cardinality: 7,
  error: 8,
  end: 9,
  exemplars: 10,
} as const;
export type FrameKind = keyof typeof FRAME_KINDS;

export interface Frame {
  readonly kind: FrameKind;
  readonly body: Uint8Array;
}

const KIND_OF = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([kind, number]) => [number, kind as FrameKind]),
);
const HEAD_LENGTH = 9;
// 16 MiB: twenty times what a writer puts into one, and what a reader has to hold before it can check it.
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export function encodeFrame(kind: FrameKind, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(HEAD_LENGTH + body.length);
  writer.u8(FRAME_KINDS[kind]);
  writer.u32(body.length);
  writer.u32(checksum(writer.bytes, body));
  writer.raw(body);
  return writer.view();
}

function checksum(head: Uint8Array, body: Uint8Array): number {
  return crc32c(body, 0, body.length, crc32c(head, 0, 5));
}

/** Frames out of pieces as they come from a connection. Holds at most one frame. Throws `READ_ANSWER_MALFORMED`. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #held = 0;

  /** Bytes of a frame that is not whole yet. */
  get held(): number {
    return this.#held;
  }

  /** The frames that are whole with this piece. A body may be a view of it. */
  *push(piece: Uint8Array): Iterable<Frame> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    for (;;) {
      if (this.#held < HEAD_LENGTH) return;
      const { kind, length, crc } = readHead(this.#joined(HEAD_LENGTH));
      if (this.#held < HEAD_LENGTH + length) return;
      const bytes = this.#joined(HEAD_LENGTH + length);
      const body = bytes.subarray(HEAD_LENGTH, HEAD_LENGTH + length);
      if (checksum(bytes, body) !== crc) throw malformedAnswer(`the checksum of a frame of ${length} bytes`);
      this.#drop(HEAD_LENGTH + length);
      yield { kind, body };
    }
  }

  /** A view of at least the first `count` bytes that are held. */
  #joined(count: number): Uint8Array {
    const first = this.#pieces[0] as Uint8Array;
    if (first.length >= count) return first;
    const whole = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [whole];
    return whole;
  }

  #drop(count: number): void {
    const first = this.#pieces[0] as Uint8Array;
    this.#held -= count;
    if (first.length === count) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(count);
  }
}

function readHead(bytes: Uint8Array): { readonly kind: FrameKind; readonly length: number; readonly crc: number } {
  const reader = new ByteReader(bytes, 0, HEAD_LENGTH);
  const number = reader.u8();
  const kind = KIND_OF.get(number);
  if (kind === undefined) throw malformedAnswer(`a frame of kind ${number}`);
  const length = reader.u32();
  if (length > FRAME_BYTES_MAX) throw malformedAnswer(`a frame of ${length} bytes; the limit is ${FRAME_BYTES_MAX}`);
  return { kind, length, crc: reader.u32() };
}

export function malformedAnswer(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('READ_ANSWER_MALFORMED', `malformed answer of a store: ${what}`, {}, cause);
}
