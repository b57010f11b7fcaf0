import { expect, test } from 'vitest';
import { measuredAssumptions, type ServerFigures, sumOf } from './measured.ts';

const EMPTY_TIER = { windowBytes: 0, windowSamples: 0, segmentBytes: 0, segmentSamples: 0, headBytes: 0, series: 0 };

function figures(over: Partial<ServerFigures> = {}): ServerFigures {
  return {
    storage: {
      tiers: {
        raw: {
          ...EMPTY_TIER,
          segmentBytes: 3000,
          segmentSamples: 2000,
          windowSamples: 5,
          windowBytes: 50,
          headBytes: 40e6,
          series: 20_000,
          retentionMs: 86_400_000,
        },
        '1m': {
          ...EMPTY_TIER,
          windowBytes: 900,
          windowSamples: 100,
          headBytes: 10e6,
          series: 20_000,
          retentionMs: 172_800_000,
        },
        '1h': { ...EMPTY_TIER, retentionMs: 259_200_000 },
      },
    },
    tsdbSeries: 19_000,
    metrics: [
      'tidemark_ingest_active_series{tenant="default"} 18000',
      'tidemark_ingest_active_series{tenant="blue"} 2000',
      'tidemark_ingest_samples_total{tenant="default",protocol="host"} 4000',
      'tidemark_ingest_samples_total_strange 7',
      'process_start_time_seconds 1000',
    ].join('\n'),
    samplesPerSecond: 1900,
    nowSeconds: 1100,
    ...over,
  };
}

test("a server's figures, and where each is from", () => {
  const { values, origins, notes } = measuredAssumptions(figures());
  expect(values).toEqual({
    series: 20_000,
    samplesPerSecond: 1900,
    intervalMs: 10_526,
    rawBytes: 1.5,
    minuteRowBytes: 9,
    rawRetentionMs: 86_400_000,
    minuteRetentionMs: 172_800_000,
    hourRetentionMs: 259_200_000,
    seriesBytes: 2500,
  });
  expect(origins.get('rawBytes')).toBe('status/storage, sealed segments');
  expect(origins.get('minuteRowBytes')).toBe('status/storage, windows not sealed yet');
  expect(notes).toEqual(['tier 1h holds nothing but its head yet: its stored bytes are assumed']);
});

test('without stored metrics of its own the rate is the mean since its start', () => {
  const { values, origins } = measuredAssumptions(figures({ samplesPerSecond: undefined }));
  expect(values.samplesPerSecond).toBe(40);
  expect(origins.get('samplesPerSecond')).toContain('mean since its start');
});

test('an empty server says nothing, and says so', () => {
  const tier = { ...EMPTY_TIER, retentionMs: 86_400_000 };
  const empty = { storage: { tiers: { raw: tier } }, tsdbSeries: 0, metrics: '', samplesPerSecond: undefined };
  const { values, notes } = measuredAssumptions(figures(empty));
  expect(values).toEqual({ rawRetentionMs: 86_400_000 });
  expect(notes).toHaveLength(3);
});

test('a metric is not one whose name only begins like it', () => {
  expect(sumOf('a_total 1\na_total{x="y z"} 2.5\na_total_more 9\n# HELP a_total 7', 'a_total')).toBe(3.5);
  expect(sumOf('b 1', 'a')).toBeUndefined();
});
