import { ByteWriter } from '@tidemark/base';
import { decodeLabels, type Labels } from '../labels.ts';
import type { ExemplarColumns } from './sample-batch.ts';

// Exemplars while they come in, one by one; then they are columns of a batch. They are few: one in hundreds of samples.

/** Characters of all names and values of an exemplar together, as OpenMetrics has it. */
export const EXEMPLAR_CHARACTERS_MAX = 128;

export class ExemplarBuilder {
  readonly #series: number[] = [];
  readonly #timestampsMs: number[] = [];
  readonly #values: number[] = [];
  readonly #hasNoTime: boolean[] = [];
  readonly #labelEnds: number[] = [];
  readonly #labels = new ByteWriter(256);

  get count(): number {
    return this.#series.length;
  }

  /** `labels` are canonical, and copied. `hasNoTime`: it named none, `timestampMs` is its sample's. */
  add(series: number, timestampMs: number, value: number, labels: Uint8Array, hasNoTime = false): void {
    this.#series.push(series);
    this.#timestampsMs.push(timestampMs);
    this.#values.push(value);
    this.#hasNoTime.push(hasNoTime);
    this.#labels.raw(labels);
    this.#labelEnds.push(this.#labels.length);
  }

  /** Undefined when there are none. */
  build(): ExemplarColumns | undefined {
    if (this.count === 0) return undefined;
    return {
      series: Uint32Array.from(this.#series),
      timestampsMs: Float64Array.from(this.#timestampsMs),
      values: Float64Array.from(this.#values),
      labelEnds: Uint32Array.from(this.#labelEnds),
      labelBytes: this.#labels.finish(),
      hasNoTime: this.#hasNoTime.includes(true) ? Uint8Array.from(this.#hasNoTime, Number) : undefined,
    };
  }
}

/** Canonical labels of exemplar `index`; a view. */
export function exemplarLabelBytes({ labelBytes, labelEnds }: ExemplarColumns, index: number): Uint8Array {
  return labelBytes.subarray(index === 0 ? 0 : labelEnds[index - 1], labelEnds[index]);
}

/** Characters (code points) of the names and values. */
export function exemplarCharacters(labels: Labels): number {
  let count = 0;
  for (const { name, value } of labels) for (const text of [name, value]) for (const _ of text) count++;
  return count;
}

/** Whether canonical labels are few enough. Throws `BYTES_MALFORMED`, `LABELS_NOT_CANONICAL`. */
export function fitsExemplar(labels: Uint8Array): boolean {
  return exemplarCharacters(decodeLabels(labels)) <= EXEMPLAR_CHARACTERS_MAX;
}
