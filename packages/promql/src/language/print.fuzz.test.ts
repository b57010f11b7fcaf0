import { isTidemarkError, type Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { anyExpression } from './any-expression.ts';
import type { Expr } from './ast.ts';
import { parse } from './parse.ts';
import { print } from './print.ts';

const OPTIONS = { independentOfQuery: false };

/** The tree without positions, functions and the spelling of numbers: what two texts must share to mean the same. */
function meaning(expr: Expr): string {
  return JSON.stringify(expr, (key, value: unknown) => {
    if (key === 'position' || key === 'text' || key === 'literals' || key === 'prefix') return undefined;
    if (key === 'matchers') return (value as { name: string }[]).map((m) => JSON.stringify(m)).sort();
    // A name that is written among the matchers is one of them.
    if (isSelector(value)) return { ...value, name: undefined };
    return typeof value === 'number' ? String(value) : value;
  });
}

function isSelector(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'vectorSelector';
}

test('printing what was parsed from a printed text gives the text again, and means the same', () =>
  withSeed('print', (random) => {
    for (let round = 0; round < rounds(2000); round++) {
      const text = anyExpression(
        random,
        (['vector', 'scalar', 'matrix'] as const)[random.below(3)] ?? 'vector',
        4,
        OPTIONS,
      );
      const expr = parseOrSkip(text);
      if (!expr) continue;
      const printed = print(expr);
      const again = parse(printed);
      expect(print(again), text).toBe(printed);
      expect(meaning(again), text).toBe(meaning(expr));
    }
  }));

/** The generator's few type mistakes (label lists that clash) are refused with a type error, never otherwise. */
function parseOrSkip(text: string): Expr | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (isTidemarkError(error, 'PROMQL_TYPE')) return undefined;
    throw new Error(`cannot parse ${JSON.stringify(text)}`, { cause: error });
  }
}

const JUNK = [
  ...'(){}[],:;"\'`\\+-*/%^=!~<>@#$.&| \n\t0123456789abcxyz_é🦊\u0000\ud800',
  ...'5m 1h offset by without on ignoring group_left bool and or unless sum rate( sum( inf nan 0x step() start() fill('.split(
    ' ',
  ),
];

function mutated(random: Random, text: string): string {
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(text.length + 1);
    const drop = random.below(3);
    text = text.slice(0, at) + (random.below(3) > 0 ? JUNK[random.below(JUNK.length)] : '') + text.slice(at + drop);
  }
  return text;
}

test('junk is parsed or refused with a TidemarkError that points into it, at once', () =>
  withSeed('junk', (random) => {
    for (let round = 0; round < rounds(3000); round++) {
      const text =
        random.below(3) === 0
          ? Array.from({ length: random.below(40) }, () => JUNK[random.below(JUNK.length)]).join('')
          : mutated(random, anyExpression(random, 'vector', 3, OPTIONS));
      const startedMs = performance.now();
      try {
        print(parse(text));
      } catch (error) {
        if (!isTidemarkError(error)) throw new Error(`on ${JSON.stringify(text)}`, { cause: error });
        expect(error.code, text).toMatch(/^PROMQL_(?:SYNTAX|TYPE|UNSUPPORTED)$/);
        expect(error.message, text).toMatch(/^\d+:\d+: /);
        expect(error.details['start'], text).toBeGreaterThanOrEqual(0);
        expect(error.details['end'], text).toBeLessThanOrEqual(text.length);
      }
      expect(performance.now() - startedMs, text).toBeLessThan(2000);
    }
  }));

test('nesting without end is refused, not a stack overflow', () => {
  const shapes: readonly ((depth: number) => string)[] = [
    (depth) => `${'('.repeat(depth)}x${')'.repeat(depth)}`,
    (depth) => `${'-'.repeat(depth)}x`,
    (depth) => `x${' + x'.repeat(depth)}`,
    (depth) => `x${' ^ x'.repeat(depth)}`,
    (depth) => `${'sum('.repeat(depth)}x${')'.repeat(depth)}`,
    (depth) => `${'max_over_time('.repeat(depth)}x${'[5m:])'.repeat(depth)}`,
    (depth) => `x[${'('.repeat(depth)}5m${')'.repeat(depth)}]`,
    (depth) => `x[5m${'+5m'.repeat(depth)}]`,
    (depth) => '('.repeat(depth),
    (depth) => `{a="${'x'.repeat(depth)}`,
  ];
  for (const shape of shapes) {
    for (const depth of [600, 3000]) {
      const text = shape(depth);
      let caught: unknown;
      try {
        print(parse(text));
      } catch (error) {
        caught = error;
      }
      expect(isTidemarkError(caught), text.slice(0, 40)).toBe(true);
    }
  }
  expect(() => print(parse(`x${' + x'.repeat(300)}`))).not.toThrow();
});

// The grammar gives up on its own at some thousand levels; the complaint must not be about the innocent token there.
test.each([
  ['parentheses', `${'('.repeat(5000)}x${')'.repeat(5000)}`],
  ['signs', `${'-'.repeat(5000)}x`],
  ['sums', `x${' + x'.repeat(5000)}`],
  ['alternatives', `x${' or x'.repeat(5000)}`],
  ['calls', `${'abs('.repeat(5000)}x${')'.repeat(5000)}`],
])('five thousand %s: nested too deeply, says the message', (_, text) => {
  expect(() => parse(text)).toThrow(/nested more than 500 levels deep/);
});
