import { type ByteReader, bytesEqual } from '@tidemark/base';
import type { SharedTimes } from './shared-times.ts';
import { readTimestamps } from './timestamps.ts';

// Series of one scrape have the same times, and the same bytes for them. A reader that decodes one after the other into the same
// columns finds the times where the series before left them.
//
//   series 1   |times|values|  |times|values|        decoded
//   series 2   |=====|values|  |=====|values|        same bytes at the same entry: there already
//   series 3   |=====|values|  |other|values|        decoded from here on
//
// Times are read by nothing but their bytes, their count and the container they may name a column of, so equal bytes in one
// container are equal times.

interface Section {
  readonly at: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly shared: SharedTimes | undefined;
}

export class TimesInPlace {
  readonly #sections: Section[] = [];
  /** How many sections of the series at hand were read, and how many of them were there already. */
  #read = 0;
  #there = 0;
  #before = 0;

  /** A series begins, at entry 0. */
  begin(): void {
    this.#before = this.#read;
    this.#read = 0;
    this.#there = 0;
  }

  /** Fills `into[at, at + count)`, or finds it filled. Throws as `readTimestamps` does. */
  read(reader: ByteReader, into: Float64Array, at: number, count: number, shared?: SharedTimes): void {
    const section = this.#sections[this.#read];
    if (section !== undefined && section.at === at && section.count === count && section.shared === shared) {
      const end = reader.at + section.end - section.start;
      if (end <= reader.end && bytesEqual(section.bytes, section.start, section.end, reader.bytes, reader.at, end)) {
        reader.at = end;
        this.#read++;
        this.#there++;
        return;
      }
    }
    // Those behind it may be written over.
    this.#sections.length = this.#read;
    const start = reader.at;
    readTimestamps(reader, into, at, count, shared);
    this.#sections.push({ at, count, bytes: reader.bytes, start, end: reader.at, shared });
    this.#read++;
  }

  /** Entries were changed by somebody else. */
  forget(): void {
    this.#sections.length = 0;
    this.#read = 0;
    this.#there = -1;
  }

  /** Whether the series at hand has the very times of the one before. */
  get same(): boolean {
    return this.#there === this.#read && this.#read === this.#before;
  }
}
