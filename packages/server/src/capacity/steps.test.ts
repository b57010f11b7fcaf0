import { expect, test } from 'vitest';
import { type Assumptions, PRESETS, readQuantity } from './assumptions.ts';
import { bytes, capacitySteps, count, spoken } from './steps.ts';

function valueIn(id: string, assumptions: Assumptions): number {
  const step = capacitySteps(assumptions).find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step ${id}`);
  return step.value;
}

const { fleet, platform } = PRESETS;

test.each<[string, Assumptions, string, number]>([
  ['10,000 hosts of 100 series', fleet, 'series', 1_000_000],
  ['every 10 s', fleet, 'samplesPerSecond', 100_000],
  ['of 512 B', fleet, 'wireBytesPerSecond', 51_200_000],
  ['are 4.42368 TB a day', fleet, 'wireBytesPerDay', 4_423_680_000_000],
  ['132.7104 TB in 30 days', fleet, 'wireBytes', 132_710_400_000_000],
  ['a fifth of it compressed', fleet, 'wireBytesCompressed', 26_542_080_000_000],
  ['1,000 pools of 100 machines with 100 metrics', platform, 'series', 10_000_000],
  ['every 10 s', platform, 'samplesPerSecond', 1_000_000],
  ['in a day', platform, 'samplesPerDay', 86_400_000_000],
  ['7 days of raw', platform, 'rawSamples', 604_800_000_000],
  ['at 16 B', platform, 'rawBytesUnpacked', 9_676_800_000_000],
  ['at 1.37 B', platform, 'rawBytes', 828_576_000_000],
  ['1-minute rows of 30 days', platform, 'minuteRows', 10_000_000 * 43_200],
  ['those of days 7 to 30', platform, 'minuteRowsBeyond', 331_200_000_000],
  ['1-hour rows of a year', platform, 'hourRows', 10_000_000 * 8760],
  ['those of days 30 to 365', platform, 'hourRowsBeyond', 80_400_000_000],
  ['the last 26 hours', platform, 'hotSamples', 93_600_000_000],
  ['at 1.37 B', platform, 'hotBytes', 128_232_000_000],
])('%s', (_caption, assumptions, id, value) => {
  expect(valueIn(id, assumptions)).toBeCloseTo(value, 2);
});

test('the hot window of the large one does not fit into a machine, that of the small one does', () => {
  expect(valueIn('hotMachines', platform)).toBe(2);
  expect(valueIn('hotMachines', fleet)).toBe(1);
});

test('copies multiply what is stored, not what arrives', () => {
  const twice = { ...fleet, replication: 3 };
  expect(valueIn('storedBytesReplicated', twice)).toBe(3 * valueIn('storedBytes', fleet));
  expect(valueIn('wireBytes', twice)).toBe(valueIn('wireBytes', fleet));
});

test('all tiers are the sum of the tiers', () => {
  const parts = ['rawBytes', 'minuteBytes', 'hourBytes'].map((id) => valueIn(id, platform));
  expect(valueIn('storedBytes', platform)).toBeCloseTo(
    parts.reduce((a, b) => a + b),
    2,
  );
});

test('counted figures replace the worked out ones', () => {
  const counted = { ...fleet, series: 500, samplesPerSecond: 40 };
  expect([valueIn('series', counted), valueIn('samplesPerSecond', counted)]).toEqual([500, 40]);
  expect(valueIn('rawSamples', counted)).toBe(40 * 7 * 86_400);
  expect(valueIn('hourRows', counted)).toBe(500 * 8760);
});

test('a tier that outlives no finer one adds no time of its own', () => {
  expect(valueIn('minuteRowsBeyond', { ...fleet, minuteRetentionMs: fleet.rawRetentionMs })).toBe(0);
});

test('memory of series is told only when it is known', () => {
  expect(capacitySteps(fleet).some(({ id }) => id === 'seriesMemory')).toBe(false);
  expect(valueIn('seriesMemory', { ...fleet, seriesBytes: 1500 })).toBe(1_500_000_000);
});

test('every formula holds its numbers', () => {
  const formulas = Object.fromEntries(capacitySteps(platform).map(({ id, formula }) => [id, formula]));
  expect(formulas).toMatchObject({
    series: '1,000 pools × 100 hosts × 100 series',
    samplesPerSecond: '10,000,000 ÷ 10s',
    rawBytes: '604,800,000,000 × 1.37 B',
    minuteRowsBeyond: '10,000,000 × 33,120 from 1w to 30d',
    hotBytes: '93,600,000,000 × 1.37 B',
  });
});

test('numbers as one reads them', () => {
  expect([count(1.37), count(9.59), count(604_800_000_000), count(12.34)]).toEqual([
    '1.37',
    '9.59',
    '604,800,000,000',
    '12.3',
  ]);
  expect([bytes(999), bytes(4_423_680_000_000)]).toEqual(['999 B', '4.424 TB']);
  expect(spoken({ value: 604.8e9, unit: 'samples' })).toBe('604.8 G samples');
  expect(spoken({ value: 51.2e6, unit: 'B/s' })).toBe('51.2 MB/s');
});

test('options are numbers or durations above zero', () => {
  expect(readQuantity('hosts', '10_000')).toBe(10_000);
  expect(readQuantity('intervalMs', '15s')).toBe(15_000);
  expect(() => readQuantity('hosts', '1.5')).toThrow('--hosts: "1.5" is no whole number');
  expect(() => readQuantity('hosts', '0')).toThrow('--hosts: "0" is no number above zero');
  expect(() => readQuantity('rawBytes', 'much')).toThrow('--bytes-per-sample: "much" is no number above zero');
  expect(() => readQuantity('intervalMs', 'soon')).toThrow(
    '--interval: "soon" is no duration; write it like 10s, 26h, 7d',
  );
});
