import { ByteReader } from '@tidemark/base';
import { formatLabels, labelStart, METRIC_NAME, type SeriesSection, sectionLabels } from '@tidemark/model';
import {
  type LabelLimits,
  type LabelProblem,
  labelsTooLong,
  metricNameMissing,
  nameTooLong,
  shown,
  tooManyLabels,
  valueTooLong,
} from '../admission/label-limits.ts';
import type { Routes } from '../route/routes.ts';
import { fingerprintOf } from './fingerprint.ts';
import { makeColumns, type SeriesColumns, type SeriesTable } from './series-table.ts';

// The series of a batch that came as a batch: refs are the indexes of its section. Made once per section and kept by its
// identity, so a source that hands in the same section again (a scrape of the same target) pays for its labels once.
// The labels are canonical by contract; the limits are checked here.

const NAME_BYTES = new TextEncoder().encode(METRIC_NAME);

export class SectionTable implements SeriesTable {
  readonly columns: SeriesColumns;
  readonly masks = new Map<number, number>();
  /** By series index; most sections have none. */
  readonly problems: ReadonlyMap<number, LabelProblem>;
  readonly #section: SeriesSection;
  /** The last section handed out per way, with its refs. */
  readonly #last = new Map<number, { refs: Uint32Array; section: SeriesSection }>();

  constructor(section: SeriesSection, tenantHash: number, routes: Routes, limits: LabelLimits) {
    this.#section = section;
    this.columns = makeColumns(section.count);
    const problems = new Map<number, LabelProblem>();
    const metric = { start: 0, end: 0 };
    for (let i = 0; i < section.count; i++) {
      const problem = check(section, i, limits, metric);
      if (problem) problems.set(i, problem);
      else {
        const { start, end } = metric;
        this.columns.ways[i] = routes.wayOf(tenantHash, section.labelBytes, start, end, i, this.masks);
      }
    }
    this.problems = problems;
  }

  labelLength(ref: number): number {
    return (this.#section.labelEnds[ref] as number) - labelStart(this.#section, ref);
  }

  fingerprint(ref: number): number {
    return fingerprintOf(
      this.#section.labelBytes,
      labelStart(this.#section, ref),
      this.#section.labelEnds[ref] as number,
    );
  }

  describe(ref: number): string {
    return formatLabels(sectionLabels(this.#section, ref));
  }

  section(way: number, refs: Uint32Array): SeriesSection {
    if (isWhole(refs, this.#section.count)) return this.#section;
    const last = this.#last.get(way);
    if (last && isSame(last.refs, refs)) return last.section;
    const section = pick(this.#section, refs);
    this.#last.set(way, { refs: refs.slice(), section });
    return section;
  }
}

function check(
  section: SeriesSection,
  index: number,
  limits: LabelLimits,
  metric: { start: number; end: number },
): LabelProblem | undefined {
  const { labelBytes } = section;
  const reader = new ByteReader(labelBytes, labelStart(section, index), section.labelEnds[index] as number);
  const describe = () => formatLabels(sectionLabels(section, index)).slice(0, 200);
  let count = 0;
  metric.start = metric.end = 0;
  while (reader.left > 0) {
    count++;
    const name = reader.lengthPrefixed();
    const value = reader.lengthPrefixed();
    if (name.length > limits.labelNameBytesMax) return nameTooLong(name.length, limits, shown(name));
    if (value.length > limits.labelValueBytesMax) return valueTooLong(value.length, limits, shown(name), shown(value));
    if (metric.end === 0 && name.length === NAME_BYTES.length && NAME_BYTES.every((byte, i) => byte === name[i])) {
      metric.end = reader.at;
      metric.start = reader.at - value.length;
    }
  }
  if (count > limits.labelsMax) return tooManyLabels(count, limits, describe());
  const length = (section.labelEnds[index] as number) - labelStart(section, index);
  if (length > limits.labelBytesMax) return labelsTooLong(length, limits, describe());
  return metric.end === metric.start ? metricNameMissing(describe()) : undefined;
}

function isWhole(refs: Uint32Array, count: number): boolean {
  if (refs.length !== count) return false;
  for (let i = 0; i < count; i++) if (refs[i] !== i) return false;
  return true;
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((ref, i) => ref === b[i]);
}

/** The section of some of its series, in the order of `refs`. */
function pick(section: SeriesSection, refs: Uint32Array): SeriesSection {
  const count = refs.length;
  let length = 0;
  for (const ref of refs) length += (section.labelEnds[ref] as number) - labelStart(section, ref);
  const labelBytes = new Uint8Array(length);
  const labelEnds = new Uint32Array(count);
  const types = new Uint8Array(count);
  const units = section.units ? new Array<string>(count) : undefined;
  const startTimesMs = section.startTimesMs ? new Float64Array(count) : undefined;
  let to = 0;
  for (let i = 0; i < count; i++) {
    const ref = refs[i] as number;
    const start = labelStart(section, ref);
    const end = section.labelEnds[ref] as number;
    labelBytes.set(section.labelBytes.subarray(start, end), to);
    to += end - start;
    labelEnds[i] = to;
    types[i] = section.types[ref] as number;
    if (units) units[i] = section.units?.[ref] ?? '';
    if (startTimesMs) startTimesMs[i] = section.startTimesMs?.[ref] ?? Number.NaN;
  }
  return { count, labelBytes, labelEnds, types, units, startTimesMs };
}
