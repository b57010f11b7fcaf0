import { seededRandom, systemRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { parseDecimal } from './decimal.ts';

function parse(text: string): number | undefined {
  const bytes = Buffer.from(`  ${text} `);
  return parseDecimal(bytes, 2, bytes.length - 1);
}

const SEED = Number(process.env['SEED'] ?? process.env['RUN_SEED'] ?? systemRandom.below(2 ** 32));
const ROUNDS = Number(process.env['ROUNDS'] ?? 20_000);

test(`any double comes back from its shortest text, and from longer ones (SEED=${SEED} replays it)`, () => {
  const random = seededRandom(SEED);
  const view = new DataView(new ArrayBuffer(8));
  for (let round = 0; round < ROUNDS; round++) {
    view.setUint32(0, random.below(2 ** 32));
    view.setUint32(4, random.below(2 ** 32));
    // Half of them like those on real pages: few digits, small scale.
    const value = round % 2 === 0 ? view.getFloat64(0) : (random.below(2 ** 32) - 2 ** 31) / 10 ** random.below(8);
    if (!Number.isFinite(value)) continue;
    for (const text of [String(value), value.toExponential(), value.toPrecision(21)]) {
      if (!Object.is(parse(text), Number(text))) throw new Error(`${text} became ${parse(text)} (SEED=${SEED})`);
    }
  }
});

test('what is no number is none', () => {
  for (const text of [
    '',
    '.',
    '-',
    '+',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    '1 2',
    '0x1',
    '1,5',
    'in',
    'infin',
    'nanx',
    '--1',
    '1f',
  ]) {
    expect([text, parse(text)]).toEqual([text, undefined]);
  }
  expect(parse('0'.repeat(500))).toBeUndefined();
});

test('edges keep their sign and their bits', () => {
  expect(parse('-0')).toBe(-0);
  expect(parse('5.')).toBe(5);
  expect(parse('.5')).toBe(0.5);
  expect(parse('9007199254740993')).toBe(Number('9007199254740993'));
  expect(parse('0.000000000000000000000001')).toBe(1e-24);
  expect(parse('1e400')).toBe(Number.POSITIVE_INFINITY);
  expect(parse('123456789012345e22')).toBe(123456789012345e22);
  expect(parse('-Infinity')).toBe(Number.NEGATIVE_INFINITY);
});
