// Cuts what a socket reads into answers, each in memory of its own, and says where the socket may read to: what comes of a
// large answer behind its first bytes is read to where it stays.
//
//   answer := size i32 | size bytes                          handed on whole, size and all
//
//   room()      the rest of an answer that has begun, up to its end, or a small space for the beginnings of answers
//   took(n)     so much of that room is filled
//
// A size is believed only up to FIRST_BYTES: an answer that says it is larger gets more room when that is filled, so a stranger
// who says anything makes no more memory be used than he sends.

const SIZE_BYTES = 4;
// 16 KiB: most answers, and few enough for a connection of each reader to each broker.
const BEGINNINGS_BYTES = 16_384;
// 8 MiB: an answer to a fetch of fetchBytesMax fits, unless somebody chose more.
const FIRST_BYTES = 8 * 1024 * 1024;

export class AnswerFrames {
  readonly #onAnswer: (answer: Buffer) => void;
  readonly #beginnings = Buffer.allocUnsafeSlow(BEGINNINGS_BYTES);
  /** Bytes of a size that is not whole yet, at the front of the space for beginnings. */
  #sizeHas = 0;
  /** An answer that has begun: its bytes so far, of so many. */
  #answer: Buffer | undefined;
  #has = 0;
  #needs = 0;

  constructor(onAnswer: (answer: Buffer) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Where the next bytes go; never empty. Valid until `took`. */
  room(): Buffer {
    const answer = this.#answer;
    return answer ? answer.subarray(this.#has) : this.#beginnings.subarray(this.#sizeHas);
  }

  /** The first `count` bytes of the room are there: hands on what is whole. Throws where a size is below 0. */
  took(count: number): void {
    if (this.#answer) {
      this.#has += count;
      if (this.#has === this.#needs) this.#finish(this.#answer);
      else if (this.#has === this.#answer.length) this.#answer = grown(this.#answer, this.#needs);
      return;
    }
    const bytes = this.#beginnings.subarray(0, this.#sizeHas + count);
    this.#sizeHas = 0;
    let at = 0;
    while (bytes.length - at >= SIZE_BYTES) {
      const size = bytes.readInt32BE(at);
      if (size < 0) throw new Error(`an answer of ${size} bytes`);
      const end = Math.min(at + SIZE_BYTES + size, bytes.length);
      this.#begin(SIZE_BYTES + size, bytes.subarray(at, end));
      at = end;
    }
    this.#sizeHas = bytes.copy(this.#beginnings, 0, at);
  }

  #begin(needs: number, first: Buffer): void {
    const answer = Buffer.allocUnsafe(Math.min(needs, FIRST_BYTES));
    first.copy(answer);
    this.#answer = answer;
    this.#has = first.length;
    this.#needs = needs;
    if (first.length === needs) this.#finish(answer);
  }

  #finish(answer: Buffer): void {
    this.#answer = undefined;
    this.#onAnswer(answer);
  }
}

function grown(answer: Buffer, needs: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(needs, answer.length * 2));
  answer.copy(larger);
  return larger;
}
