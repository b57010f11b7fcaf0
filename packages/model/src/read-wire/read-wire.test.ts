import { seededRandom, TidemarkError } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { makeRowColumns, ROW_FLOAT_COLUMNS } from '../batch/row-batch.ts';
import type { NativeHistogram } from '../histogram/native-histogram.ts';
import { labelsOf } from '../labels.ts';
import { matcher } from '../matcher.ts';
import type { SelectedRows, SelectedSeries } from '../series-source.ts';
import { wordsOf } from '../stale.ts';
import {
  cardinalityFrame,
  decodePart,
  endFrame,
  errorFrame,
  exemplarsFrames,
  headFrame,
  metadataFrames,
  type ReadPart,
  rowsFrames,
  samplesFrames,
  seriesFrames,
  textsFrames,
} from './answer.ts';
import { encodeFrame, FRAME_BYTES_MAX, FrameReader } from './frame.ts';
import { decodeReadRequest, encodeReadRequest } from './request.ts';

const HEAD = { partitions: 4, answered: [0, 2], positions: [{ topic: 'raw', partition: 0, offset: 7, end: 9 }] };
const END = { warnings: ['a "warning"'], parts: 1 };

function read(bytes: Uint8Array, pieceLength = bytes.length): ReadPart[] {
  const reader = new FrameReader();
  const parts: ReadPart[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength) {
    for (const frame of reader.push(bytes.subarray(at, at + pieceLength))) parts.push(decodePart(frame));
  }
  return parts;
}

function joined(frames: Iterable<Uint8Array>): Uint8Array {
  return Buffer.concat([...frames]);
}

/** As they lie in memory: series of one scrape share their times. */
function scrape(series: number, samples: number): SelectedSeries[] {
  const timestampsMs = Float64Array.from({ length: samples }, (_, i) => 1_700_000_000_000 + i * 15_000);
  return Array.from({ length: series }, (_, s) => ({
    labels: labelsOf({ __name__: 'm', instance: `host-${s}`, ü: '\u{1f600}' }),
    timestampsMs,
    values: Float64Array.from({ length: samples }, (_, i) => s + i / 3),
  }));
}

test('samples come back to the bit, and what shares its times shares them again', () => {
  const series = scrape(3, 5);
  const odd = Float64Array.of(-0, 0, Number.POSITIVE_INFINITY, 1e-310, 0);
  wordsOf(odd).set([2, 0x7ff0_0000], 8);
  series.push({ labels: labelsOf({ __name__: 'odd' }), timestampsMs: Float64Array.of(1, 2, 4, 8, 16.5), values: odd });
  series.push({ labels: [], timestampsMs: new Float64Array(0), values: new Float64Array(0) });
  const [part] = read(joined(samplesFrames({ series, warnings: [] })));
  if (part?.kind !== 'samples') return expect.unreachable('no samples');
  expect(part.series).toEqual(series);
  const words = (values: Float64Array) => new Uint32Array(values.slice().buffer);
  expect(words(part.series[3]?.values as Float64Array)).toEqual(words(odd));
  expect(part.series[0]?.timestampsMs).toBe(part.series[2]?.timestampsMs);
  expect(part.series[0]?.timestampsMs).not.toBe(part.series[3]?.timestampsMs);
});

test('a long answer is cut into parts, and a long series into several in order', () => {
  const series = [...scrape(3, 30_000), ...scrape(1, 200_000), ...scrape(5000, 1)];
  const parts = read(joined(samplesFrames({ series, warnings: [] })));
  const sizes = parts.map((part) => (part.kind === 'samples' ? part.series.map(({ values }) => values.length) : []));
  expect(sizes.map((lengths) => lengths.reduce((sum, length) => sum + length, 0))).toEqual([
    60_000, 30_000, 65_536, 65_536, 65_536, 3392, 2048, 2048, 904,
  ]);
  const long = parts.flatMap((part) => (part.kind === 'samples' ? part.series : [])).slice(3, 7);
  expect(long.flatMap(({ values }) => [...values])).toEqual([...(series[3]?.values ?? [])]);
  expect(long.flatMap(({ timestampsMs }) => [...timestampsMs])).toEqual([...(series[3]?.timestampsMs ?? [])]);
});

/** With a histogram at every third entry, of so many buckets. */
function withHistograms(series: SelectedSeries, buckets: number): SelectedSeries {
  const values = series.values.map((value, i) => (i % 3 === 0 ? Number.NaN : value));
  const entries = Uint32Array.from({ length: Math.ceil(values.length / 3) }, (_, i) => i * 3);
  const none = { spans: [], counts: new Float64Array(0) };
  const histograms = Array.from(entries, (entry): NativeHistogram => {
    const positive = { spans: [{ gap: entry, length: buckets }], counts: new Float64Array(buckets).fill(1) };
    return {
      ...{ schema: 0, hint: 'unknown', fractions: false, zeroThreshold: 0, zeroCount: 0, bounds: undefined },
      ...{ count: buckets, sum: entry / 4, positive, negative: none },
    };
  });
  return { ...series, values, histograms: { entries, histograms } };
}

test('native histograms come back, at the entries where they were', () => {
  const [a, b, c] = scrape(3, 7) as [SelectedSeries, SelectedSeries, SelectedSeries];
  const series = [withHistograms(a, 2), b, withHistograms(c, 5)];
  const [part] = read(joined(samplesFrames({ series, warnings: [] })));
  if (part?.kind !== 'samples') return expect.unreachable('no samples');
  expect(part.series).toEqual(series);
});

test('a series of large histograms is cut into parts that a frame takes, in order', () => {
  const one = withHistograms(scrape(1, 90)[0] as SelectedSeries, 20_000);
  const parts = read(joined(samplesFrames({ series: [one], warnings: [] })));
  const pieces = parts.flatMap((part) => (part.kind === 'samples' ? part.series : []));
  expect(parts).toHaveLength(10);
  expect(pieces.flatMap(({ timestampsMs }) => [...timestampsMs])).toEqual([...one.timestampsMs]);
  expect(pieces.flatMap(({ histograms }) => histograms?.histograms)).toEqual(one.histograms?.histograms);
  const marked = pieces.flatMap(({ values, histograms }) =>
    Array.from(values, (_, i) => histograms?.entries.includes(i) === true),
  );
  expect(marked).toEqual(Array.from(one.values, (_, i) => i % 3 === 0));
});

test('rows come back, each series with its own', () => {
  const random = seededRandom(3);
  const series: SelectedRows[] = [0, 3, 9000].map((length, s) => {
    const rows = makeRowColumns(length);
    for (let i = 0; i < length; i++) {
      for (const name of ROW_FLOAT_COLUMNS) rows[name][i] = name.endsWith('Ms') ? i * 60_000 - s : random.next();
      rows.endMs[i] = (i + 1) * 60_000;
      rows.generation[i] = 1 + (i % 2);
      rows.offset[i] = 2 ** 40 + i;
    }
    return { labels: labelsOf({ __name__: `m${s}` }), rows };
  });
  const parts = read(joined(rowsFrames({ series, warnings: [] })));
  const found = parts.flatMap((part) => (part.kind === 'rows' ? part.series : []));
  expect(found.map(({ labels, rows }) => [labels, rows.length])).toEqual([
    [series[0]?.labels, 0],
    [series[1]?.labels, 3],
    [series[2]?.labels, 8192],
    [series[2]?.labels, 808],
  ]);
  for (const name of [...ROW_FLOAT_COLUMNS, 'endMs', 'generation', 'offset'] as const) {
    expect([...(found[1]?.rows[name] ?? [])]).toEqual([...(series[1]?.rows[name] ?? [])]);
    expect([...(found[2]?.rows[name] ?? []), ...(found[3]?.rows[name] ?? [])]).toEqual([
      ...(series[2]?.rows[name] ?? []),
    ]);
  }
});

test('everything small comes back as it was', () => {
  const entries = [{ metric: 'm', type: 'gauge' as const, unit: '', help: 'H\n' }];
  const counts = { series: 1, labelPairs: 2, chunks: 3, seriesByMetric: [{ name: 'm', value: 1 }] };
  const cardinality = { ...counts, range: undefined, valuesByLabel: [], bytesByLabel: [], seriesByPair: [] };
  const range = { oldestMs: 1, newestMs: 2 };
  const error = new TidemarkError('SELECT_TOO_MANY_SERIES', 'too many', { limit: 5 });
  const exemplars = {
    labels: labelsOf({ __name__: 'm', 'é"': '\n' }),
    exemplars: [Number.NaN, -0, Number.POSITIVE_INFINITY, 5e-324].map((value, i) => ({
      labels: labelsOf(i === 0 ? {} : { trace: '\u2028' }),
      value,
      timestampMs: i,
    })),
  };
  const labels = [labelsOf({ a: 'b' }), labelsOf({ a: 'c' })];
  const parts = read(
    joined([
      headFrame(HEAD),
      ...seriesFrames({ series: labels, warnings: [] }),
      ...textsFrames({ series: ['a', '\u2028"'], warnings: [] }),
      ...metadataFrames([{ metric: 'm', entries }]),
      ...exemplarsFrames({ series: [exemplars], warnings: [] }),
      cardinalityFrame(cardinality),
      cardinalityFrame({ ...cardinality, range }),
      errorFrame(error),
      errorFrame(new Error('of ours')),
      endFrame(END),
    ]),
    3,
  );
  expect(parts).toEqual([
    { kind: 'head', head: { version: 0, ...HEAD } },
    { kind: 'series', series: labels },
    { kind: 'texts', texts: ['a', '\u2028"'] },
    { kind: 'metadata', metrics: [{ metric: 'm', entries }] },
    { kind: 'exemplars', series: [exemplars] },
    { kind: 'cardinality', cardinality },
    { kind: 'cardinality', cardinality: { ...cardinality, range } },
    { kind: 'error', error },
    { kind: 'error', error: new TidemarkError('STORE_FAILED', 'of ours') },
    { kind: 'end', end: END },
  ]);
});

describe('an answer that is damaged is refused, never read as another', () => {
  const answer = joined([headFrame(HEAD), ...samplesFrames({ series: scrape(2, 3), warnings: [] }), endFrame(END)]);
  const whole = read(answer).length;

  test('cut anywhere, it has no end', () => {
    for (let length = 0; length < answer.length; length++) {
      const parts = read(answer.subarray(0, length));
      expect(parts.length).toBeLessThan(whole);
      expect(parts.some(({ kind }) => kind === 'end')).toBe(false);
    }
  });

  test('with any bit flipped, it is malformed or has no end', () => {
    for (let bit = 0; bit < answer.length * 8; bit++) {
      const flipped = answer.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      let parts: ReadPart[];
      try {
        parts = read(flipped);
      } catch (error) {
        expect(error).toMatchObject({ code: 'READ_ANSWER_MALFORMED' });
        continue;
      }
      expect(parts.some(({ kind }) => kind === 'end')).toBe(false);
    }
  });

  test.each([
    ['a frame that would not fit', Uint8Array.of(2, 1, 0, 0, 1, 0, 0, 0, 0), /16777217 bytes; the limit is 16777216/],
    ['a kind of the future', Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0, 0), /kind 99/],
    ['samples that are none', encodeFrame('samples', Uint8Array.of(0, 9, 9)), /a frame of samples/],
    ['a head that is none', encodeFrame('head', Buffer.from('{')), /a frame of head/],
    ['a head of the future', encodeFrame('head', Buffer.from('{"version":1}')), /its version is 1/],
  ])('%s', (_, bytes, message) => {
    expect(FRAME_BYTES_MAX).toBe(16_777_216);
    expect(() => read(bytes)).toThrow(message);
  });
});

test('a request comes back as it was asked', () => {
  const request = {
    tenant: 'acme',
    matchers: [matcher('=', '__name__', 'up'), matcher('!~', 'job', 'a.*|b')],
    range: { startMs: 1, endMs: Number.POSITIVE_INFINITY },
    limits: { seriesMax: 10, samplesMax: 20 },
    partitions: [1, 3],
    notBefore: [{ topic: 'raw', partition: 1, offset: 42 }],
    stepMs: 15_000,
    newestOnly: true,
    resolution: '1m' as const,
    name: 'job',
    metrics: ['up'],
    limit: 3,
    timeoutMs: 250,
  };
  const back = decodeReadRequest(encodeReadRequest(request));
  const plain = (one: { readonly matchers?: readonly object[] }) => JSON.parse(JSON.stringify(one)) as unknown;
  expect(plain(back)).toEqual(plain(request));
  expect(back.range).toEqual(request.range);
  expect(back.matchers?.[1]?.matches('c')).toBe(true);
  expect(decodeReadRequest(encodeReadRequest({ tenant: 't' }))).toEqual({ tenant: 't' });
});

test.each([
  ['', 'READ_REQUEST_MALFORMED', /JSON/],
  ['null', 'READ_REQUEST_MALFORMED', /no object/],
  ['{"version":1,"tenant":"t"}', 'READ_REQUEST_MALFORMED', /its version is 1/],
  ['{"version":0,"tenant":"a/b"}', 'TENANT_INVALID', /tenant/],
  ['{"version":0}', 'READ_REQUEST_MALFORMED', /tenant/],
  ['{"version":0,"tenant":"t","matchers":[["<","a","b"]]}', 'READ_REQUEST_MALFORMED', /type of a matcher/],
  ['{"version":0,"tenant":"t","matchers":[["=~","a","("]]}', 'MATCHER_REGEX_INVALID', /regex/],
  ['{"version":0,"tenant":"t","matchers":[7]}', 'READ_REQUEST_MALFORMED', /iterable/],
  ['{"version":0,"tenant":"t","partitions":[-1]}', 'READ_REQUEST_MALFORMED', /partitions is no whole number/],
  ['{"version":0,"tenant":"t","start":"1","end":2}', 'READ_REQUEST_MALFORMED', /start is no number/],
  ['{"version":0,"tenant":"t","seriesMax":1.5,"samplesMax":1}', 'READ_REQUEST_MALFORMED', /seriesMax/],
  ['{"version":0,"tenant":"t","resolution":"5m"}', 'READ_REQUEST_MALFORMED', /resolution/],
])('%s is refused with %s', (text, code, message) => {
  const decode = () => decodeReadRequest(Buffer.from(text));
  expect(decode).toThrow(expect.objectContaining({ code }));
  expect(decode).toThrow(message);
});
