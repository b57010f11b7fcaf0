import { must } from '@tidemark/base';
import { unpack } from './packing.ts';
import { decodeSeries, packedIfKnown } from './series-codec.ts';
import type { SeriesSection } from './series-section.ts';

// A section that is kept because it will come again. Whoever has resolved or packed it once needs its labels no more: they go,
// and come back from the packed bytes, a tenth as long, should anybody ask.
//
//   made ── packed, resolved by its readers ── rest() ── rest() ──> labels gone ── a reader that is new ──> decoded again
//                                          nobody asked between the two

interface SectionLabels {
  readonly labelBytes: Uint8Array;
  readonly labelEnds: Uint32Array;
}

export class KeptSection implements SeriesSection {
  readonly count: number;
  readonly types: Uint8Array;
  readonly units: readonly string[] | undefined;
  readonly startTimesMs: Float64Array | undefined;
  #labels: SectionLabels | undefined;
  /** Whether labels were asked for since the last `rest`. */
  #asked = true;

  constructor({ count, types, units, startTimesMs, labelBytes, labelEnds }: SeriesSection) {
    this.count = count;
    this.types = types;
    this.units = units;
    this.startTimesMs = startTimesMs;
    this.#labels = { labelBytes, labelEnds };
  }

  get labelBytes(): Uint8Array {
    return this.#read().labelBytes;
  }

  get labelEnds(): Uint32Array {
    return this.#read().labelEnds;
  }

  /** Whether labels are in memory. */
  get held(): boolean {
    return this.#labels !== undefined;
  }

  /** Call it once a round: labels that nobody asked for since the last time go, if they can come back. */
  rest(): void {
    if (!this.#asked && packedIfKnown(this) !== undefined) this.#labels = undefined;
    this.#asked = false;
  }

  #read(): SectionLabels {
    this.#asked = true;
    if (this.#labels === undefined) {
      const packed = must(packedIfKnown(this), 'labels are let go only when their packed bytes are known');
      const { labelBytes, labelEnds } = decodeSeries(unpack(packed), this.count);
      this.#labels = { labelBytes, labelEnds };
    }
    return this.#labels;
  }
}
