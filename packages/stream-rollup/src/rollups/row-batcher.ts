import { assert } from '@tidemark/base';
import {
  makeRowColumns,
  ROW_FLOAT_COLUMNS,
  type RollupRow,
  type RowBatch,
  type RowColumns,
  type SeriesSection,
} from '@tidemark/model';
import type { StoreTenant } from '../state/window-store.ts';

// Collects rows of one tenant into batches. Whole windows go out in chunks of fixed ranges of refs, so that the same chunk
// names the same series minute after minute; then it carries the same section object, and whoever encodes or resolves
// sections by identity has nothing to do.

interface KnownSection {
  readonly refs: Uint32Array;
  readonly version: number;
  readonly section: SeriesSection;
}

export class RowBatcher {
  readonly #rowsMax: number;
  readonly #generation: number;
  readonly #send: (batch: RowBatch) => void;
  readonly #rows: RowColumns;
  readonly #refs: Uint32Array;
  /** By tenant name and chunk: the section sent last. One entry per chunk of live series. */
  readonly #sections = new Map<string, KnownSection>();
  #length = 0;
  #tenant: StoreTenant | undefined;

  constructor(rowsMax: number, generation: number, send: (batch: RowBatch) => void) {
    this.#rowsMax = rowsMax;
    this.#generation = generation;
    this.#send = send;
    this.#rows = makeRowColumns(rowsMax);
    this.#refs = new Uint32Array(rowsMax);
  }

  /** Adds a row of a series that is not in the batch under way. */
  add(tenant: StoreTenant, ref: number, endMs: number, row: RollupRow, offset: number, admittedAtMs: number): void {
    if (this.#tenant !== tenant || this.#length === this.#rowsMax) this.flush(admittedAtMs);
    this.#tenant = tenant;
    const rows = this.#rows;
    const at = this.#length++;
    this.#refs[at] = ref;
    rows.series[at] = at;
    rows.endMs[at] = endMs;
    rows.count[at] = row.count;
    rows.sum[at] = row.sum;
    rows.compensation[at] = row.compensation;
    rows.min[at] = row.min;
    rows.max[at] = row.max;
    rows.first[at] = row.first;
    rows.firstMs[at] = row.firstMs;
    rows.last[at] = row.last;
    rows.lastMs[at] = row.lastMs;
    rows.increase[at] = row.increase;
    rows.generation[at] = this.#generation;
    rows.offset[at] = offset;
  }

  /** Sends what was added. `chunk` names it when it is a whole chunk, whose series are probably those of last time. */
  flush(admittedAtMs: number, chunk?: number): void {
    const tenant = this.#tenant;
    if (!tenant || this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.#tenant = undefined;
    const refs = this.#refs.subarray(0, length);
    const series = chunk === undefined ? tenant.series.sectionOf(refs) : this.#sectionFor(tenant, chunk, refs);
    assert(series.count === length, 'one row a series');
    this.#send({ tenant: tenant.name, resolution: '1m', admittedAtMs, series, rows: copyRows(this.#rows, length) });
  }

  /** After series were numbered anew. */
  forgetSections(): void {
    this.#sections.clear();
  }

  #sectionFor(tenant: StoreTenant, chunk: number, refs: Uint32Array): SeriesSection {
    const key = `${chunk}/${tenant.name}`;
    const known = this.#sections.get(key);
    if (known && known.version === tenant.series.version && sameRefs(known.refs, refs)) return known.section;
    const section = tenant.series.sectionOf(refs);
    this.#sections.set(key, { refs: refs.slice(), version: tenant.series.version, section });
    return section;
  }
}

function sameRefs(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function copyRows(rows: RowColumns, length: number): RowColumns {
  const copy = makeRowColumns(length);
  copy.series.set(rows.series.subarray(0, length));
  copy.endMs.set(rows.endMs.subarray(0, length));
  copy.generation.set(rows.generation.subarray(0, length));
  copy.offset.set(rows.offset.subarray(0, length));
  for (const name of ROW_FLOAT_COLUMNS) copy[name].set(rows[name].subarray(0, length));
  return copy;
}
