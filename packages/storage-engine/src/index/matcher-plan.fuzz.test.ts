import { type Random, seededRandom } from '@tidemark/base';
import { encodeLabels, type Labels, labelsOf, labelValue, type Matcher, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { SeriesRegistry } from '../series/registry.ts';
import { matchSeries } from './matcher-plan.ts';

// Random matchers over random series against asking every series every matcher. Replay: SEED=<seed> ROUNDS=<rounds>

const SEED = Number(process.env['SEED'] ?? 5);
const ROUNDS = Number(process.env['ROUNDS'] ?? 400);
const VALUES = ['', 'a', 'b', 'ab', 'abc', 'b|a', 'x1', 'x2'];
const REGEXES = ['a|b', '(ab|x1)', 'x.*', '.*', '.+', '', 'a?', 'ab.*', '[ab]', 'zz|'];

function anyMatcher(random: Random): Matcher {
  const type = (['=', '!=', '=~', '!~'] as const)[random.below(4)] ?? '=';
  const from = type === '=' || type === '!=' ? VALUES : REGEXES;
  return matcher(
    type,
    ['__name__', 'p', 'q', 'r'][random.below(4)] as string,
    from[random.below(from.length)] as string,
  );
}

test(`the plan finds what asking everyone finds (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const registry = new SeriesRegistry(1000, { refuse: () => undefined });
  const tenant = registry.tenantNamed('t');
  const all: Labels[] = [];
  for (let i = 0; i < 300; i++) {
    const value = () => VALUES[random.below(VALUES.length)] as string;
    const labels = labelsOf({ __name__: `m${random.below(9)}`, p: value(), q: value(), n: String(i) });
    const bytes = encodeLabels(labels);
    expect(registry.resolveOne(tenant, bytes, 0, bytes.length)).toBe(i);
    all.push(labels);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const matchers = Array.from({ length: 1 + random.below(4) }, () => anyMatcher(random));
    const expected = all.flatMap((labels, ref) =>
      matchers.every((each) => each.matches(labelValue(labels, each.name))) ? [ref] : [],
    );
    const text = matchers.map(({ name, type, value }) => `${name}${type}${JSON.stringify(value)}`).join(',');
    expect([...matchSeries(tenant, matchers)], `{${text}}, seed ${SEED}`).toEqual(expected);
  }
});

test('lists far longer than what is left are not walked, and change nothing', () => {
  const registry = new SeriesRegistry(10_000, { refuse: () => undefined });
  const tenant = registry.tenantNamed('t');
  for (let i = 0; i < 4000; i++) {
    const bytes = encodeLabels(
      labelsOf({ __name__: 'm', job: 'node', host: `h${i >> 1}`, cpu: String(i & 1), n: `${i}` }),
    );
    registry.resolveOne(tenant, bytes, 0, bytes.length);
  }
  const find = (...wanted: readonly [string, '=' | '!=' | '=~', string][]) =>
    matchSeries(
      tenant,
      wanted.map(([name, type, value]) => matcher(type, name, value)),
    );
  expect(find(['job', '=', 'node'], ['host', '=', 'h7'])).toEqual([14, 15]);
  expect(find(['job', '=', 'other'], ['host', '=', 'h7'])).toEqual([]);
  expect(find(['job', '=~', 'node|other'], ['cpu', '=', '1'], ['host', '=~', 'h7|h9'])).toEqual([15, 19]);
  expect(find(['job', '=', 'node'], ['n', '=', '5'], ['cpu', '=', '0'])).toEqual([]);
  expect(find(['n', '=~', '39.8'], ['job', '=', 'node'], ['host', '!=', 'h1964'])).toEqual([
    3908, 3918, 3938, 3948, 3958, 3968, 3978, 3988, 3998,
  ]);
});
