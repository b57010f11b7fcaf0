import { assert } from '@tidemark/base';
import {
  makeRowColumns,
  type RawRole,
  type Resolution,
  ROW_FLOAT_COLUMNS,
  type RollupRow,
  type RowBatch,
  type RowColumns,
  revisionOffset,
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

/** By tenant name and chunk: the section sent last. One entry per chunk of live series. */
export class ChunkSections {
  readonly #known = new Map<string, KnownSection>();

  /** `keep` says whether a section made anew takes the place of the one known. */
  sectionOf(tenant: StoreTenant, chunk: number, refs: Uint32Array, keep: boolean): SeriesSection {
    const key = `${chunk}/${tenant.name}`;
    const known = this.#known.get(key);
    if (known && known.version === tenant.series.version && sameRefs(known.refs, refs)) return known.section;
    const section = tenant.series.sectionOf(refs);
    if (keep) this.#known.set(key, { refs: refs.slice(), version: tenant.series.version, section });
    return section;
  }

  /** After series were numbered anew. */
  clear(): void {
    this.#known.clear();
  }
}

export interface RowBatcherOptions {
  readonly resolution: Resolution;
  readonly generation: number;
  /** The topic that the points came by. */
  readonly source: RawRole;
  readonly rowsMax: number;
  readonly sections: ChunkSections;
  readonly send: (batch: RowBatch) => void;
}

export class RowBatcher {
  readonly #options: RowBatcherOptions;
  readonly #rows: RowColumns;
  readonly #refs: Uint32Array;
  #length = 0;
  #tenant: StoreTenant | undefined;

  constructor(options: RowBatcherOptions) {
    this.#options = options;
    this.#rows = makeRowColumns(options.rowsMax);
    this.#refs = new Uint32Array(options.rowsMax);
  }

  /** Adds a row of a series that is not in the batch under way. */
  add(tenant: StoreTenant, ref: number, endMs: number, row: RollupRow, offset: number, admittedAtMs: number): void {
    if (this.#tenant !== tenant || this.#length === this.#options.rowsMax) this.flush(admittedAtMs);
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
    rows.generation[at] = this.#options.generation;
    rows.offset[at] = revisionOffset(this.#options.source, offset);
  }

  /** Sends what was added. `chunk` names it when it is a whole chunk, whose series are probably those of last time. */
  flush(admittedAtMs: number, chunk?: number): void {
    const tenant = this.#tenant;
    if (!tenant || this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.#tenant = undefined;
    const refs = this.#refs.subarray(0, length);
    const { resolution, sections, send } = this.#options;
    // Minutes come sixty times as often as hours: theirs are the sections worth keeping.
    const series =
      chunk === undefined
        ? tenant.series.sectionOf(refs)
        : sections.sectionOf(tenant, chunk, refs, resolution === '1m');
    assert(series.count === length, 'one row a series');
    send({ tenant: tenant.name, resolution, admittedAtMs, series, rows: copyRows(this.#rows, length) });
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
