import { type ResetHint, SCHEMA_OWN_BOUNDS } from '@tidemark/model';
import { addHistograms, subtractHistograms } from '../histogram/arithmetic.ts';
import { type Buckets, bucketsOf, type FloatHistogram, withHint } from '../histogram/float-histogram.ts';
import { numberOf } from '../language/literal.ts';

// `{{schema:0 sum:5 count:4 buckets:[1 2 1] offset:1}}`: every field may be missing, buckets follow each other from their offset.

const FIELD = /\s*([a-z_]+):(\[[^\]]*\]|\S+)/gy;
const HINTS: Readonly<Record<string, ResetHint>> = {
  unknown: 'unknown',
  reset: 'reset',
  not_reset: 'no reset',
  gauge: 'gauge',
};
const NUMBER_FIELDS = ['schema', 'sum', 'count', 'z_bucket', 'z_bucket_w', 'offset', 'n_offset'];
const LIST_FIELDS = ['buckets', 'n_buckets', 'custom_values'];

export interface WrittenHistogram {
  readonly histogram: FloatHistogram;
  /** Whether it says how it follows the one before. */
  readonly hinted: boolean;
}

/** What stands between the double braces; undefined: it cannot be read. */
export function parseHistogram(inner: string): WrittenHistogram | undefined {
  const numbers = new Map<string, number>();
  const lists = new Map<string, readonly number[]>();
  let hint: ResetHint | undefined;
  let end = 0;
  for (const [whole, name, text] of inner.matchAll(FIELD)) {
    end += whole.length;
    if (name === 'counter_reset_hint') {
      hint = HINTS[text as string];
      if (hint === undefined) return undefined;
    } else if (NUMBER_FIELDS.includes(name as string)) {
      const number = signed(text as string);
      if (number === undefined) return undefined;
      numbers.set(name as string, number);
    } else if (LIST_FIELDS.includes(name as string)) {
      const list = listOf(text as string);
      if (list.includes(undefined)) return undefined;
      lists.set(name as string, list as number[]);
    } else return undefined;
  }
  if (inner.slice(end).trim() !== '') return undefined;
  const number = (name: string) => numbers.get(name) ?? 0;
  const schema = number('schema');
  const histogram: FloatHistogram = {
    schema,
    hint: hint ?? 'unknown',
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    positive: sideFrom(number('offset'), lists.get('buckets')),
    negative: sideFrom(number('n_offset'), lists.get('n_buckets')),
    bounds: schema === SCHEMA_OWN_BOUNDS ? Float64Array.from(lists.get('custom_values') ?? []) : undefined,
  };
  return { histogram, hinted: hint !== undefined };
}

function sideFrom(offset: number, counts: readonly number[] = []): Buckets {
  return bucketsOf(
    counts.map((_, i) => offset + i),
    counts,
  );
}

function listOf(text: string): readonly (number | undefined)[] {
  return text
    .slice(1, -1)
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(signed);
}

function signed(text: string): number | undefined {
  const size = numberOf(text.replace(/^[-+]/, ''));
  return size !== undefined && text.startsWith('-') ? -size : size;
}

/** `{{..}}+{{..}}x3`: the first, and as often as said another with the step added; undefined where they do not fit. */
export function histogramSeries(
  first: FloatHistogram,
  step: FloatHistogram | undefined,
  sign: string | undefined,
  times: number,
): FloatHistogram[] | undefined {
  const out = [first];
  for (let i = 0; i < times; i++) {
    const last = out[i] as FloatHistogram;
    if (step === undefined) out.push(last);
    else {
      const next = sign === '-' ? subtractHistograms(last, step) : addHistograms(last, step);
      if (next === undefined) return undefined;
      // What is said of the first is said of all of them.
      out.push(withHint(next.histogram, first.hint));
    }
  }
  return out;
}
