import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Packing } from './accept-encoding.ts';

// An answer packed as it is made: piece in, packed bytes out, the thread free meanwhile (zlib works on threads of its own).
// What is cut is never ended: it has no trailer, and no reader that looks at it takes it for whole.

export class Packer {
  readonly #stream: Transform;
  #out: Uint8Array[] = [];
  /** Whoever waits for a step; also called when the packer is destroyed in the middle of one. */
  #done: () => void = () => undefined;

  constructor(packing: Packing) {
    this.#stream = packing === 'gzip' ? createGzip({ level: GZIP_LEVEL }) : createZstdCompress(ZSTD_OPTIONS);
    this.#stream.on('data', (bytes: Uint8Array) => this.#out.push(bytes));
    this.#stream.on('close', () => this.#done());
    // Only of what was destroyed: packing text does not fail.
    this.#stream.on('error', () => this.#done());
  }

  /** Packs; what it returns is to be sent now, maybe nothing yet. */
  async pack(piece: string): Promise<readonly Uint8Array[]> {
    await this.#step((done) => this.#stream.write(piece, done));
    return this.#take();
  }

  /** The rest, with the trailer. */
  async finish(): Promise<readonly Uint8Array[]> {
    await this.#step((done) => this.#stream.once('end', done).end());
    return this.#take();
  }

  /** Lets go of it, ended or not. */
  destroy(): void {
    this.#stream.destroy();
  }

  async #step(begin: (done: () => void) => void): Promise<void> {
    if (this.#stream.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      begin(resolve);
    });
  }

  #take(): readonly Uint8Array[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

// 2.3 MB of a range query: gzip 1 takes 12 ms for a ratio of 3.4, gzip 6 59 ms for 3.9; zstd 1 takes 5 ms for 5.0.
const GZIP_LEVEL = 1;
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
