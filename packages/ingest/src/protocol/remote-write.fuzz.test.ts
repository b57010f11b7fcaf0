import { type Random, TidemarkError } from '@tidemark/base';
import { type BucketSide, decodeHistogram, HISTOGRAM_SUM_AT } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { RequestReader } from '../testing/decode-request.ts';
import type { RequestHistogram } from '../testing/histogram-message.ts';
import { type NaiveSeries, naiveRequest } from '../testing/naive-request.ts';
import { type RequestSeries, writeRequest } from '../testing/write-request.ts';

// Requests of all shapes, whole, cut and bent, against the obvious reader. The two must agree on what is stored; of what is
// refused only that it is.

const NAMES = ['__name__', 'a', 'b', 'instance', 'job', 'le', 'zone', '\u{ffee}', '\u{1f600}', ''];

function anySeries(random: Random): RequestSeries {
  const labels: [string, string | Uint8Array][] = [];
  const isWild = random.below(4) === 0;
  for (const name of NAMES) {
    if (random.below(3) !== 0 && name !== '') labels.push([name, `v${random.below(3)}`]);
    if (isWild && random.below(8) === 0) labels.push([name, random.below(2) === 0 ? '' : random.bytes(3)]);
  }
  if (!isWild && labels[0]?.[0] !== '__name__') labels.unshift(['__name__', 'm']);
  if (random.below(5) === 0) labels.reverse();
  return {
    labels,
    samples: Array.from({ length: random.below(4) }, () => ({
      value: 0,
      bits: (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)),
      timestampMs: random.below(2 ** 32) * (random.below(2) === 0 ? 400 : -400),
    })),
    exemplars: random.below(6) === 0 ? [{ labels: [['trace', 'x']], value: 1, timestampMs: 1 }] : [],
    histograms: Array.from({ length: random.below(4) === 0 ? 1 + random.below(2) : 0 }, () => anyHistogram(random)),
  };
}

function anyHistogram(random: Random): RequestHistogram {
  const fractions = random.below(3) === 0;
  const own = random.below(4) === 0;
  const number = () => (fractions ? random.next() * 100 : random.below(2 ** random.below(45)));
  const side = () => {
    const spans = Array.from(
      { length: random.below(4) },
      (_, i) => [random.below(5) - (i === 0 ? 2 : 0), random.below(4)] as const,
    );
    return { spans, counts: Array.from({ length: spans.reduce((sum, [, length]) => sum + length, 0) }, number) };
  };
  const positive = side();
  const negative = own ? { spans: [], counts: [] } : side();
  const zeroCount = own ? 0 : number();
  const all = [...positive.counts, ...negative.counts].reduce((sum, one) => sum + one, zeroCount);
  return {
    ...{ fractions, positive, negative, zeroCount, zeroThreshold: own ? 0 : 0.5 },
    timestampMs: random.below(2 ** 32) * 400,
    schema: own ? -53 : random.below(13) - 4 + (random.below(40) === 0 ? 9 : 0),
    // Now and then it does not add up.
    count: all + (random.below(12) === 0 ? 1 : 0),
    sum: [1.5, 0x7ff0000000000002n, Number.NaN, random.next() * 1e9][random.below(4)] as number | bigint,
    hint: random.below(5),
    unpacked: random.below(3) === 0,
    ...(own && { bounds: Array.from({ length: random.below(20) }, (_, i) => i - 3 + random.next()) }),
  };
}

/** Canonical labels as JSON, or undefined when they are to be refused. */
function canonical(series: NaiveSeries): string | undefined {
  const kept = series.labels.filter(([, value]) => value !== '');
  const names = series.labels.map(([name]) => name);
  if (names.includes('') || new Set(kept.map(([name]) => name)).size < kept.length) return undefined;
  if (!kept.some(([name]) => name === '__name__')) return undefined;
  return JSON.stringify(kept.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** `undefined`: malformed; `'text'`: some text is not UTF-8, where the two readers differ in how much they refuse. */
function expectedOf(request: Uint8Array): string[] | undefined | 'text' {
  try {
    return naiveRequest(request).series.flatMap((series) => {
      const labels = canonical(series);
      if (!labels) return [];
      const histograms = series.histograms.filter((one) => one !== undefined);
      return [
        ...series.samples.map(({ bits, timestampMs }) => `${labels} ${bits} ${Number(timestampMs)}`),
        ...histograms.map(({ timestampMs, text }) => `${labels} ${text} ${timestampMs}`),
      ];
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    if (error instanceof TypeError) return 'text';
    throw error;
  }
}

function histogramText(bytes: Uint8Array): string {
  const { schema, hint, fractions, zeroThreshold, zeroCount, count, positive, negative, bounds } =
    decodeHistogram(bytes);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + HISTOGRAM_SUM_AT).getBigUint64(0, true);
  const numbers = [schema, zeroThreshold, count, zeroCount].join();
  return [hint, fractions, numbers, sum, bucketText(positive), bucketText(negative), bounds?.join()].join('|');
}

function bucketText({ spans, counts }: BucketSide): string {
  const texts: string[] = [];
  let index = 0;
  for (const { gap, length } of spans) {
    index += gap;
    for (let i = 0; i < length; i++) texts.push(`${index++}:${counts[texts.length]}`);
  }
  return texts.join(' ');
}

function compare(reader: RequestReader, request: Uint8Array): void {
  const expected = expectedOf(request);
  let read: string[] | undefined;
  try {
    const numbers = reader.read(request).map(({ labels, bits, timestampMs }) => `${labels} ${bits} ${timestampMs}`);
    const histograms = reader.histograms.list.map(({ ref, timestampMs, bytes }) => {
      return `${reader.labelsOf(ref)} ${histogramText(bytes)} ${timestampMs}`;
    });
    read = [...numbers, ...histograms];
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
  }
  if (expected !== 'text') expect(read?.toSorted()).toEqual(expected?.toSorted());
}

test('any request is read as the obvious reader reads it', () =>
  withSeed('remote write', (random) => {
    let reader = new RequestReader();
    for (let round = 0; round < rounds(400); round++) {
      if (round % 50 === 0) reader = new RequestReader();
      const series = Array.from({ length: random.below(8) }, () => anySeries(random));
      const request = writeRequest(series);
      compare(reader, request);
      compare(reader, request); // known by now
    }
  }));

test('cut at any byte, with any bit flipped: refused, or read as the obvious reader does', () =>
  withSeed('remote write bent', (random) => {
    const reader = new RequestReader({ labelValueBytesMax: 1e6, labelNameBytesMax: 1e6 });
    for (let round = 0; round < rounds(3); round++) {
      const request = writeRequest(
        [anySeries(random), anySeries(random), anySeries(random)],
        [{ type: 1, metric: 'm', help: 'h', unit: 'u' }],
      );
      for (let cut = 0; cut < request.length; cut++) compare(reader, request.subarray(0, cut));
      for (let bit = 0; bit < request.length * 8; bit++) {
        const bent = request.slice();
        bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
        compare(reader, bent);
      }
    }
  }));

test('noise is refused, or read as the obvious reader does', () =>
  withSeed('remote write noise', (random) => {
    const reader = new RequestReader();
    for (let round = 0; round < rounds(3000); round++) {
      // Small numbers are likely tags and lengths.
      compare(
        reader,
        random.bytes(random.below(40)).map((byte) => (byte % 3 === 0 ? byte % 24 : byte)),
      );
    }
  }));
