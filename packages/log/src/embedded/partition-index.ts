import { assert } from '@tidemark/base';

// Where the records of one partition are: one entry for each frame that holds some, oldest first.
//
//   firstOffset  0      12     40     41
//   file         1      1      1      2
//   position     1032   88200  90112  1032      of the frame
//   length       87168  1912   ...              of the frame, header included
//
// 20 bytes an entry in typed arrays. Entries leave at the front, with their files.

export interface FrameAt {
  readonly file: number;
  readonly position: number;
  readonly length: number;
}

export class PartitionIndex {
  #first = new Float64Array(64);
  #file = new Uint32Array(64);
  #position = new Uint32Array(64);
  #length = new Uint32Array(64);
  #head = 0;
  #tail = 0;

  get count(): number {
    return this.#tail - this.#head;
  }

  push(firstOffset: number, at: FrameAt): void {
    assert(
      this.#tail === this.#head || firstOffset > (this.#first[this.#tail - 1] as number),
      'offsets increase within a partition',
    );
    if (this.#tail === this.#first.length) this.#makeRoom();
    this.#first[this.#tail] = firstOffset;
    this.#file[this.#tail] = at.file;
    this.#position[this.#tail] = at.position;
    this.#length[this.#tail] = at.length;
    this.#tail++;
  }

  /** The frame that holds `offset`, if it is not before the first entry. The caller knows that it is before the end. */
  find(offset: number): FrameAt | undefined {
    let low = this.#head;
    let high = this.#tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#first[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    const at = low - 1;
    if (at < this.#head) return undefined;
    return {
      file: this.#file[at] as number,
      position: this.#position[at] as number,
      length: this.#length[at] as number,
    };
  }

  /** The first offset of the first frame that begins behind `offset`; undefined when none does. */
  firstAfter(offset: number): number | undefined {
    let low = this.#head;
    let high = this.#tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#first[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low < this.#tail ? this.#first[low] : undefined;
  }

  /** Forgets the entries of files up to `file`. */
  dropThrough(file: number): void {
    while (this.#head < this.#tail && (this.#file[this.#head] as number) <= file) this.#head++;
  }

  #makeRoom(): void {
    const { count } = this;
    const capacity = count > this.#first.length / 2 ? this.#first.length * 2 : this.#first.length;
    const head = this.#head;
    const tail = this.#tail;
    const moved = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from.subarray(head, tail));
      return to;
    };
    this.#first = moved(this.#first, new Float64Array(capacity));
    this.#file = moved(this.#file, new Uint32Array(capacity));
    this.#position = moved(this.#position, new Uint32Array(capacity));
    this.#length = moved(this.#length, new Uint32Array(capacity));
    this.#head = 0;
    this.#tail = count;
  }
}
