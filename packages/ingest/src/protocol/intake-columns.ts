import { wordsOf } from '@tidemark/model';

// The samples of one request on their way in: refs into a SeriesTable, times, values. One object, used again for every
// request; nothing in it outlives the request's synchronous part.

const FIRST_CAPACITY = 2048;
/** Columns that grew beyond this are let go after the request: 64 Ki samples, 1.3 MB. */
const KEEP_CAPACITY = 64 * 1024;

export class IntakeColumns {
  refs = new Uint32Array(FIRST_CAPACITY);
  timestampsMs = new Float64Array(FIRST_CAPACITY);
  values = new Float64Array(FIRST_CAPACITY);
  /** The same numbers as `values`, two words each, low first: bits are copied through it, so NaN payloads stay. */
  words = wordsOf(this.values);
  count = 0;

  reset(): void {
    this.count = 0;
    if (this.refs.length > KEEP_CAPACITY) this.#allocate(FIRST_CAPACITY);
  }

  /** Makes room for at least one more. */
  grow(): void {
    this.reserve(this.refs.length * 2);
  }

  reserve(capacity: number): void {
    if (capacity <= this.refs.length) return;
    const { refs, timestampsMs, words, count } = this;
    this.#allocate(capacity);
    this.refs.set(refs.subarray(0, count));
    this.timestampsMs.set(timestampsMs.subarray(0, count));
    this.words.set(words.subarray(0, count * 2));
  }

  #allocate(capacity: number): void {
    this.refs = new Uint32Array(capacity);
    this.timestampsMs = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = wordsOf(this.values);
  }
}
