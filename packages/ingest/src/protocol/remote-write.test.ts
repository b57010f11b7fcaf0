import { readFileSync } from 'node:fs';
import { ByteWriter, isTidemarkError, SnappyDecoder } from '@tidemark/base';
import { decodeHistogram, decodeLabels, formatLabels, HISTOGRAM_SUM_AT } from '@tidemark/model';
import { expect, test } from 'vitest';
import { RequestReader } from '../testing/decode-request.ts';
import { naiveRequest, naiveSnappy } from '../testing/naive-request.ts';
import {
  message,
  type RequestSeries,
  writeExemplar,
  writeLabel,
  writeRequest,
  writeSample,
} from '../testing/write-request.ts';

const ONE = 0x3ff0000000000000n;

function series(labels: RequestSeries['labels'], more: Partial<RequestSeries> = {}): RequestSeries {
  return { labels, samples: [{ value: 1, timestampMs: 1_700_000_000_000 }], ...more };
}

/** What one series is refused for. */
function refusedFor(one: RequestSeries, options = {}): readonly { reason: string; count: number; example: string }[] {
  const reader = new RequestReader(options);
  const good = series([['__name__', 'good']]);
  const samples = reader.read(writeRequest([good, one, good]));
  expect(samples.map((sample) => sample.labels)).toEqual(['[["__name__","good"]]', '[["__name__","good"]]']);
  return reader.refusals.list();
}

function shownExemplars({ exemplars, directory }: RequestReader): string[] {
  return exemplars.list.map(
    ({ ref, labels, value, timestampMs }) =>
      `${directory.describe(ref)} ${formatLabels(decodeLabels(labels))} ${value}@${timestampMs}`,
  );
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

test('a sample comes through with its labels, time and bits', () => {
  const reader = new RequestReader();
  const stale = 0x7ff0000000000002n;
  const payload = 0x7ff8dead_beef0001n;
  const samples = reader.read(
    writeRequest([
      series([
        ['__name__', 'up'],
        ['job', 'größe'],
      ]),
      {
        labels: [['__name__', 'x']],
        samples: [
          { value: 0, bits: stale, timestampMs: 1 },
          { value: 0, bits: payload, timestampMs: 2 },
          { value: -0, timestampMs: -3 },
          { value: Number.POSITIVE_INFINITY, timestampMs: 2 ** 53 - 1 },
          { value: 0, timestampMs: 0 },
        ],
      },
    ]),
  );
  expect(samples).toEqual([
    { labels: '[["__name__","up"],["job","größe"]]', bits: ONE, timestampMs: 1_700_000_000_000 },
    { labels: '[["__name__","x"]]', bits: stale, timestampMs: 1 },
    { labels: '[["__name__","x"]]', bits: payload, timestampMs: 2 },
    { labels: '[["__name__","x"]]', bits: 1n << 63n, timestampMs: -3 },
    { labels: '[["__name__","x"]]', bits: 0x7ff0000000000000n, timestampMs: 2 ** 53 - 1 },
    { labels: '[["__name__","x"]]', bits: 0n, timestampMs: 0 },
  ]);
  expect(reader.refusals.total).toBe(0);
});

test('unsorted labels are sorted by their bytes, empty ones are none, and both ways name one series', () => {
  const reader = new RequestReader();
  const clean = series([
    ['__name__', 'm'],
    ['b', '2'],
    ['\u{ffee}', 'bmp'],
    ['\u{1f600}', 'astral'],
  ]);
  const odd = series([
    ['\u{1f600}', 'astral'],
    ['empty', ''],
    ['\u{ffee}', 'bmp'],
    ['b', '2'],
    ['__name__', 'm'],
  ]);
  const samples = reader.read(writeRequest([odd, clean, odd, clean]));
  expect(new Set(samples.map((sample) => sample.labels))).toEqual(
    new Set(['[["__name__","m"],["b","2"],["\u{ffee}","bmp"],["\u{1f600}","astral"]]']),
  );
  expect(new Set(reader.columns.refs.subarray(0, 4)).size).toBe(1);
});

test('labels behind the samples, unknown fields and values written after times are read as protobuf has it', () => {
  const reader = new RequestReader();
  const body = new ByteWriter(256);
  message(body, 1, writeLabel('__name__', 'late'));
  const swapped = new ByteWriter(32);
  swapped.raw(Uint8Array.of(0x10, 0x05)); // time first
  swapped.raw(Uint8Array.of(0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f));
  swapped.raw(Uint8Array.of(0x18, 0x07)); // a field of some later version
  message(body, 2, swapped.view());
  message(body, 15, Uint8Array.of(1, 2, 3));
  message(body, 1, writeLabel('a', 'b'));
  message(body, 2, writeSample({ value: 1, timestampMs: 6 }));
  const request = new ByteWriter(256);
  message(request, 9, Uint8Array.of(1));
  message(request, 1, body.view());
  expect(reader.read(request.finish())).toEqual([
    { labels: '[["__name__","late"],["a","b"]]', bits: ONE, timestampMs: 5 },
    { labels: '[["__name__","late"],["a","b"]]', bits: ONE, timestampMs: 6 },
  ]);
});

test.each<[string, RequestSeries, string]>([
  [
    'metric_name_missing',
    series([['job', 'x']]),
    'series {job="x"} has no metric name: the label "__name__" is missing or empty',
  ],
  ['metric_name_missing', series([]), 'series {} has no metric name: the label "__name__" is missing or empty'],
  [
    'metric_name_missing',
    series([['__name__', '']]),
    'series {} has no metric name: the label "__name__" is missing or empty',
  ],
  [
    'label_name_empty',
    series([
      ['__name__', 'm'],
      ['', 'x'],
    ]),
    'a label with the value "x" has an empty name',
  ],
  [
    'label_duplicate',
    series([
      ['__name__', 'm'],
      ['a', '1'],
      ['a', '2'],
    ]),
    'the label "a" stands twice in one series',
  ],
  [
    'label_name_not_utf8',
    series([
      ['__name__', 'm'],
      [Uint8Array.of(0xff), '2'],
    ]),
    'the label name "\ufffd" is not valid UTF-8',
  ],
  [
    'label_value_not_utf8',
    series([
      ['__name__', 'm'],
      ['a', Uint8Array.of(0xc3)],
    ]),
    'label "a" has the value "\ufffd", which is not valid UTF-8',
  ],
])('a series is refused for %s, and only that series', (reason, one, example) => {
  expect(refusedFor(one)).toEqual([{ reason, count: 1, example }]);
});

test('limits are named with their value and what was sent', () => {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => [`l${i}`, 'v'] as const);
  expect(refusedFor(series([['__name__', 'm'], ...labels(3)]), { labelsMax: 3 })[0]).toMatchObject({
    reason: 'labels_too_many',
    example: 'series {__name__="m", l0="v", l1="v", l2="v"} has 4 labels, the limit labelsMax is 3',
  });
  expect(refusedFor(series([['__name__', 'm'], ...labels(500)]))[0]?.reason).toBe('labels_too_many');
  expect(
    refusedFor(
      series([
        ['__name__', 'm'],
        ['n'.repeat(30), 'v'],
      ]),
      { labelNameBytesMax: 20 },
    )[0],
  ).toMatchObject({
    reason: 'label_name_too_long',
    example: `label name "${'n'.repeat(30)}" has 30 bytes, the limit labelNameBytesMax is 20`,
  });
  expect(
    refusedFor(
      series([
        ['__name__', 'm'],
        ['n', 'v'.repeat(21)],
      ]),
      { labelValueBytesMax: 20 },
    )[0],
  ).toMatchObject({
    reason: 'label_value_too_long',
    example: `label "n" has a value of 21 bytes ("${'v'.repeat(21)}"), the limit labelValueBytesMax is 20`,
  });
  expect(
    refusedFor(
      series([
        ['__name__', 'm'],
        ['n', 'v'.repeat(60)],
      ]),
      { labelBytesMax: 70 },
    )[0]?.reason,
  ).toBe('labels_too_long');
});

test('all samples of a refused series are counted, and known series next to it stay known', () => {
  const bad = series([['a', 'b']], { samples: Array.from({ length: 5 }, () => ({ value: 1, timestampMs: 1 })) });
  expect(refusedFor(bad)).toMatchObject([{ reason: 'metric_name_missing', count: 5 }]);
});

test('exemplars are read with what they stand for, wherever they stand', () => {
  const reader = new RequestReader();
  const labels = [
    ['trace_id', 'é'],
    ['empty', ''],
    ['a', '1'],
  ] as const;
  const exemplars = [
    { labels, value: -0.5, timestampMs: 17 },
    { labels: [], value: Number.NaN, timestampMs: -1 },
  ];
  const all = ['m {a="1", trace_id="é"} -0.5@17', 'm {} NaN@-1'];
  const one = series([['__name__', 'm']], { exemplars });
  expect(reader.read(writeRequest([one, series([['__name__', 'n']])]))).toHaveLength(2);
  expect(shownExemplars(reader)).toEqual(all);
  // Labels behind everything else.
  const scattered = new ByteWriter();
  message(scattered, 1, writeLabel('a', ''));
  for (const exemplar of exemplars) message(scattered, 3, writeExemplar(exemplar));
  message(scattered, 1, writeLabel('__name__', 'm'));
  const request = new ByteWriter();
  message(request, 1, scattered.finish());
  expect(reader.read(request.finish())).toEqual([]);
  expect(shownExemplars(reader)).toEqual(all);
});

test('what is wrong with an exemplar costs that exemplar, and is counted by reason', () => {
  const reader = new RequestReader({ exemplarsPerRequestMax: 2 });
  const exemplar = (labels: RequestSeries['labels'], value = 1) => ({ labels, value, timestampMs: 1 });
  const chars = (count: number) => exemplar([['t', 'é'.repeat(count - 1)]]);
  const exemplars = [
    chars(129),
    chars(128),
    exemplar([['a', Uint8Array.of(0xff)]]),
    exemplar([
      ['a', '1'],
      ['a', '2'],
    ]),
    exemplar([['', '1']]),
    exemplar([['a', '1']]),
    exemplar([['b', '1']]),
  ];
  const request = [series([['x', '1']], { exemplars: [chars(5)] }), series([['__name__', 'm']], { exemplars })];
  expect(reader.read(writeRequest(request))).toHaveLength(1);
  expect(Object.fromEntries(reader.exemplars.refused)).toEqual({
    series_refused: 1,
    labels_too_long: 1,
    labels_invalid: 3,
    too_many: 1,
  });
  expect(reader.exemplars.list).toHaveLength(2);
});

test('an exemplar that is no message at all costs nothing else', () => {
  const reader = new RequestReader();
  const body = new ByteWriter();
  message(body, 1, writeLabel('__name__', 'm'));
  message(body, 3, Uint8Array.of(0x0a, 0x7f));
  message(body, 2, writeSample({ value: 1, timestampMs: 1 }));
  const request = new ByteWriter();
  message(request, 1, body.finish());
  expect(reader.read(request.finish())).toHaveLength(1);
  expect([...reader.exemplars.refused]).toEqual([['malformed', 1]]);
});

test('native histograms are read; one that is none costs only itself', () => {
  const reader = new RequestReader();
  const positive = { spans: [[0, 2]] as const, counts: [1, 3] };
  const good = { timestampMs: 7, schema: 3, count: 4, sum: 0x7ff0000000000002n, positive };
  const bad = { ...good, sum: 1, count: 9 };
  const bounds = {
    timestampMs: 8,
    schema: -53,
    fractions: true,
    count: 1.5,
    sum: 1,
    positive: { ...positive, counts: [0.5, 1] },
  };
  const sent = [good, bad, Uint8Array.of(0x20), { ...bounds, bounds: [0.25, 2] }, { ...bounds, bounds: [2, 0.25] }];
  expect(reader.read(writeRequest([series([['__name__', 'm']], { histograms: sent })]))).toHaveLength(1);
  const { list } = reader.histograms;
  expect(list.map(({ timestampMs }) => timestampMs)).toEqual([7, 8]);
  expect(list.map(({ bytes }) => decodeHistogram(bytes))).toMatchObject([
    { schema: 3, fractions: false, count: 4, positive: { counts: Float64Array.of(1, 3) } },
    { schema: -53, fractions: true, bounds: Float64Array.of(0.25, 2) },
  ]);
  expect(list[0]?.bytes.subarray(HISTOGRAM_SUM_AT, HISTOGRAM_SUM_AT + 8)).toEqual(
    Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f),
  );
  expect(reader.refusals.list().map(({ reason, count }) => [reason, count])).toEqual([
    ['histogram_counts', 1],
    ['histogram_malformed', 1],
    ['histogram_bounds', 1],
  ]);
});

test('histograms are samples: of their limit, and of a series that is refused', () => {
  const histogram = { timestampMs: 1, schema: 0, count: 0, sum: 0 };
  const three = series([['__name__', 'm']], { histograms: [histogram, histogram, histogram] });
  expect(() => new RequestReader({ samplesPerRequestMax: 3 }).read(writeRequest([three]))).toThrow(
    /samplesPerRequestMax/,
  );
  const reader = new RequestReader();
  reader.read(writeRequest([{ ...three, labels: [['a', 'b']] }]));
  expect(reader.histograms.list).toEqual([]);
  expect(reader.refusals.list()).toMatchObject([{ reason: 'metric_name_missing', count: 4 }]);
});

test('metadata is read; what is bad of it is refused alone', () => {
  const reader = new RequestReader({ metadataBytesMax: 40 });
  const good = { type: 1, metric: 'm_total', help: 'Größe.', unit: 'bytes' };
  reader.read(
    writeRequest(
      [],
      [good, { ...good, help: 'h'.repeat(50) }, { ...good, metric: '' }, { ...good, type: 99, help: '' }],
    ),
  );
  expect(reader.metadata).toEqual([
    { metric: 'm_total', type: 'counter', help: 'Größe.', unit: 'bytes' },
    { metric: 'm_total', type: 'unknown', help: '', unit: 'bytes' },
  ]);
  expect(reader.refusals.list().map(({ reason }) => reason)).toEqual(['metadata_too_long', 'metric_name_missing']);
});

test('counts of a request are limited', () => {
  const two = writeRequest([series([['__name__', 'a']]), series([['__name__', 'b']])]);
  expect(codeOf(() => new RequestReader({ seriesPerRequestMax: 1 }).read(two))).toBe('INGEST_REQUEST_TOO_LARGE');
  expect(codeOf(() => new RequestReader({ samplesPerRequestMax: 1 }).read(two))).toBe('INGEST_REQUEST_TOO_LARGE');
  const metadata = writeRequest(
    [],
    Array.from({ length: 2 }, () => ({ type: 1, metric: 'm', help: '', unit: '' })),
  );
  expect(codeOf(() => new RequestReader({ metadataPerRequestMax: 1 }).read(metadata))).toBe('INGEST_REQUEST_TOO_LARGE');
});

test('absurd lengths and unknown wire types are malformed', () => {
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
  for (const request of [
    '0a ff ff ff ff ff ff ff ff ff 01',
    '0a 80 80 80 80 10',
    '0a 04 0a ff ff 7f',
    '0b',
    '0c',
    '00',
    '08 80 80 80 80 80 80 80 80 80 80 01',
    '08 01',
    '0a 03 12 01 09',
    '0a 04 12 02 10 80',
    '0a 02 0d 00',
  ]) {
    expect([request, codeOf(() => new RequestReader().read(bytes(request)))]).toEqual([request, 'PROTOBUF_MALFORMED']);
  }
});

// Captured from Prometheus 2.42 (Debian) scraping itself and a small target that then went away.
test.each([
  ['v1-prometheus-2.42-scrape.bin', 394, 0, 0],
  ['v1-prometheus-2.42-demo.bin', 12, 0, 0],
  ['v1-prometheus-2.42-stale.bin', 12, 7, 0],
  ['v1-prometheus-2.42-metadata.bin', 0, 0, 205],
])('%s is read as the obvious reader reads it', (name, count, stale, metadataCount) => {
  const body = readFileSync(new URL(`../../testdata/remote-write/${name}`, import.meta.url));
  const naive = naiveRequest(naiveSnappy(body));
  const decoder = new SnappyDecoder({ decodedBytesMax: 1e7, keepBytes: 1e6 });
  const reader = new RequestReader();
  // Twice: the second time every series is known.
  for (let pass = 0; pass < 2; pass++) {
    const samples = reader.read(decoder.decode(body));
    const expected = naive.series.flatMap(({ labels, samples: of }) =>
      of.map(({ bits, timestampMs }) => ({ labels: JSON.stringify(labels), bits, timestampMs: Number(timestampMs) })),
    );
    expect(samples).toEqual(expected);
    expect(samples).toHaveLength(count);
    expect(samples.filter(({ bits }) => bits === 0x7ff0000000000002n)).toHaveLength(stale);
    expect(reader.metadata.map(({ metric, help }) => [metric, help])).toEqual(
      naive.metadata.map(({ metric, help }) => [metric, help]),
    );
    expect(reader.metadata).toHaveLength(metadataCount);
    expect(reader.refusals.total).toBe(0);
  }
  expect(reader.directory.count).toBe(count);
});
