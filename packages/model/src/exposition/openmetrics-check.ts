import { isUtf8 } from 'node:buffer';
import type { MetricType } from '../batch/series-section.ts';
import { malformedLine } from './complaint.ts';
import { LineProblem, type MetadataLine, readLine, type SampleLine } from './openmetrics-line.ts';
import { FamilyPoints } from './openmetrics-points.ts';

// Whether a page keeps to OpenMetrics 1.0: for people who write exporters. Reading is another matter (text.ts): it takes what
// can be understood, as Prometheus does, and what this refuses is mostly that.
//
//   family    # TYPE, # UNIT, # HELP in any order, once each; then its samples; never again after another family
//   points    openmetrics-points.ts

const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  unknown: [''],
  gauge: [''],
  stateset: [''],
  counter: ['_total', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  gaugehistogram: ['_bucket', '_gsum', '_gcount'],
  info: ['_info'],
};
const END = '# EOF';

interface Family {
  readonly name: string;
  type: MetricType;
  unit: string;
  readonly metadata: Set<string>;
  points: FamilyPoints | undefined;
}

/** Throws `EXPOSITION_MALFORMED` (details: line) at the first thing that does not keep to it. */
export function checkOpenMetrics(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw malformedLine(1, 'the page is not valid UTF-8');
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  let number = 0;
  const check = new Check();
  try {
    for (const line of lines) {
      number++;
      if (line !== END || number < lines.length) check.line(line);
    }
    if (lines.at(-1) !== END) throw new LineProblem(`the page does not end with "${END}"`);
    check.end();
  } catch (error) {
    if (error instanceof LineProblem) throw malformedLine(number, error.message);
    throw error;
  }
}

class Check {
  #family: Family | undefined;
  /** Names that families before have or could have had. */
  readonly #taken = new Set<string>();

  line(text: string): void {
    const line = readLine(text);
    if (line.kind === 'sample') this.#sample(line);
    else this.#metadata(line);
  }

  end(): void {
    const family = this.#family;
    if (!family) return;
    family.points?.end();
    for (const name of new Set(['', ...SUFFIXES[family.type]].map((suffix) => family.name + suffix))) {
      if (this.#taken.has(name)) throw new LineProblem(`${name} belongs to another family too`);
      this.#taken.add(name);
    }
    if (family.unit !== '' && (family.type === 'info' || family.type === 'stateset')) {
      throw new LineProblem(`${family.name} is ${family.type}, which has no unit`);
    }
    this.#family = undefined;
  }

  #metadata({ kind, name, text }: MetadataLine): void {
    const family = this.#family?.name === name ? this.#family : this.#begin(name);
    if (family.points) throw new LineProblem(`# ${kind} of ${name} stands behind its samples`);
    if (family.metadata.has(kind)) throw new LineProblem(`# ${kind} of ${name} stands twice`);
    family.metadata.add(kind);
    if (kind === 'TYPE') {
      if (!Object.hasOwn(SUFFIXES, text)) throw new LineProblem(`${JSON.stringify(text)} is no metric type`);
      family.type = text as MetricType;
    } else if (kind === 'UNIT') {
      if (text !== '' && !name.endsWith(`_${text}`)) throw new LineProblem(`${name} does not end in its unit _${text}`);
      family.unit = text;
    }
  }

  #sample(sample: SampleLine): void {
    let family = this.#family;
    let suffix = family && suffixOf(family, sample.name);
    if (!family || suffix === undefined) {
      family = this.#begin(sample.name);
      suffix = '';
    }
    family.points ??= new FamilyPoints(family.name, family.type);
    family.points.add(sample, suffix);
  }

  #begin(name: string): Family {
    this.end();
    this.#family = { name, type: 'unknown', unit: '', metadata: new Set(), points: undefined };
    return this.#family;
  }
}

function suffixOf({ name, type }: Family, sample: string): string | undefined {
  return SUFFIXES[type].find((suffix) => sample === name + suffix);
}
