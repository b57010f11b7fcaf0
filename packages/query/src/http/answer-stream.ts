import type { ServerResponse } from 'node:http';
import { packingFor } from './accept-encoding.ts';
import { Packer } from './packer.ts';
import { mustBeThere, writePiece } from './write-piece.ts';

// The text of an answer, on its way: in pieces as it is made, packed where the reader takes that.
//
//   text ─> piece of 64 KiB ─> packer, if any ─> response        one piece under way at a time; a slow reader is waited for
//
// Whether it is packed is decided when the first piece is full or the answer at its end, whichever is first. A response that is
// destroyed meanwhile stays cut: its packer is let go, nothing more is written.

// 64 KiB: a few system calls per megabyte, and never a whole answer in memory twice.
const PIECE_LENGTH = 65_536;
// 1,024: with its headers it is one packet anyway.
const PACKED_FROM_LENGTH = 1024;

export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #stallMs: number | undefined;
  #pending = '';
  /** Whether it is decided about packing. */
  #begun = false;
  /** Undefined until it is decided, and where the answer goes as it is. */
  #packer: Packer | undefined;

  constructor(response: ServerResponse, stallMs?: number) {
    this.#response = response;
    this.#stallMs = stallMs;
    response.appendHeader('vary', 'Accept-Encoding');
  }

  /** Throws `QUERY_CANCELED` when the client went away or stopped reading: what is left need not be made. */
  async write(text: string): Promise<void> {
    this.#pending += text;
    if (this.#pending.length >= PIECE_LENGTH) await this.#sendPending();
  }

  /** Throws as `write` does. */
  async end(): Promise<void> {
    if (this.#pending.length >= PACKED_FROM_LENGTH) this.#begin();
    if (this.#packer === undefined) {
      this.#response.end(this.#pending);
      this.#pending = '';
      return;
    }
    await this.#sendPending();
    for (const bytes of await this.#packer.finish()) await writePiece(this.#response, bytes, this.#stallMs);
    mustBeThere(this.#response);
    this.#response.end();
  }

  async #sendPending(): Promise<void> {
    this.#begin();
    const piece = this.#pending;
    this.#pending = '';
    if (this.#packer === undefined) return writePiece(this.#response, piece, this.#stallMs);
    for (const bytes of await this.#packer.pack(piece)) await writePiece(this.#response, bytes, this.#stallMs);
    mustBeThere(this.#response);
  }

  /** Decides about packing, once. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const response = this.#response;
    const packing = packingFor(String(response.req.headers['accept-encoding'] ?? ''));
    if (packing === undefined) return;
    response.setHeader('content-encoding', packing);
    const packer = new Packer(packing);
    this.#packer = packer;
    response.once('close', () => packer.destroy());
    if (response.destroyed) packer.destroy();
  }
}
