import { describe, expect, test } from 'vitest';
import { filesOfRepository, importsOf, packagesOfRepository, textOf, withoutComments } from './repository.ts';

// Who may know whom. Changing these tables is an architecture decision: write one in docs/decisions/ with the change.
//
//   rank 5    simulator  bench
//   rank 4    server  ui  grafana-plugin
//   rank 3    collector  ingest  stream-rollup  query  alerts        siblings never import each other
//   rank 2    log  storage-engine  promql                            siblings never import each other
//   rank 1½   testkit                                                only in tests of ranks 2 to 5
//   rank 1    model
//   rank 0    base

const VOCABULARY = ['base', 'model'];
const ENGINES = ['log', 'storage-engine', 'promql'];
const SERVICES = ['collector', 'ingest', 'stream-rollup', 'query', 'alerts'];

/** package -> what its sources may import. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  testkit: VOCABULARY,
  log: VOCABULARY,
  'storage-engine': VOCABULARY,
  promql: VOCABULARY,
  collector: VOCABULARY,
  ingest: [...VOCABULARY, 'log'],
  'stream-rollup': [...VOCABULARY, 'log'],
  query: [...VOCABULARY, 'promql'],
  alerts: [...VOCABULARY, 'promql', 'log'],
  server: [...VOCABULARY, ...ENGINES, ...SERVICES],
  ui: [],
  'grafana-plugin': ['model'],
  simulator: [...VOCABULARY, ...ENGINES, ...SERVICES, 'testkit', 'server'],
  bench: [...VOCABULARY, ...ENGINES, ...SERVICES, 'testkit', 'server'],
};
const WITHOUT_TESTKIT = ['base', 'model', 'testkit'];

/** Third parties that live in one room, so that replacing them, or containing their flaws, is the work of one room. */
const ROOMS: readonly { readonly library: RegExp; readonly rooms: RegExp }[] = [
  {
    library: /^classic-level(\/|$)/,
    rooms:
      /^packages\/(storage-engine\/src\/partition\/|stream-rollup\/src\/state\/|log\/src\/embedded\/compacted[^/]*\.ts$)/,
  },
  // In server/test as an ordinary producer that is not ours: what anyone writes with it has to be readable. In log/test as
  // what the log is compared with.
  { library: /^kafkajs(\/|$)/, rooms: /^packages\/(log\/(src\/kafka|test\/kafkajs)\/|server\/test\/)/ },
  {
    library: /^@confluentinc\//,
    rooms: /^packages\/server\/(src\/registry\/confluent-registry\.ts$|test\/)/,
  },
  { library: /^@(aws-sdk|smithy)\//, rooms: /^packages\/storage-engine\/src\/object-store\/s3\/aws-requests\.ts$/ },
];

/** Time and chance come through ports; these two files are where the ports meet the machine. */
const TIME_AND_CHANCE = ['Date.now', 'new Date()', 'performance.now', 'process.hrtime', 'Math.random'];
const ASKS_THE_MACHINE = new Set(['packages/base/src/clock.ts', 'packages/base/src/random.ts']);
const MAY_ASK_THE_MACHINE = /^packages\/(ui|bench|grafana-plugin)\/|\.(test|bench)\.tsx?$|^packages\/[^/]+\/test\//;

// Installed at the root for everyone's tests and exported conformance suites.
const FOR_ALL_TESTS = new Set(['vitest', 'playwright-core']);
const TEST_FILE = /\.(test|bench)\.tsx?$|^packages\/[^/]+\/test\//;
const CONFORMANCE = /\/conformance[/.]/;

const packages = packagesOfRepository();
const sources = filesOfRepository().filter((path) => /^packages\/.*\.tsx?$/.test(path) && !path.endsWith('.d.ts'));

function ours(specifiers: readonly string[]): string[] {
  return specifiers.filter((name) => name.startsWith('@tidemark/')).map((name) => name.slice('@tidemark/'.length));
}

/** `@tidemark/log/sim` -> `log` and `./sim`. */
function split(specifier: string): { name: string; subPath: string } {
  const [, name = '', ...rest] = specifier.split('/');
  return { name, subPath: rest.length === 0 ? '.' : `./${rest.join('/')}` };
}

function npmPackageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

test('every package has its arrows', () => {
  expect(packages.map(({ name }) => name).filter((name) => ARROWS[name] === undefined)).toEqual([]);
});

describe.each(packages)('$name', ({ name, dependencies, devDependencies, references }) => {
  const arrows = ARROWS[name] ?? [];

  test('package.json follows the arrows', () => {
    expect(ours(dependencies).filter((other) => !arrows.includes(other))).toEqual([]);
    const inTests = WITHOUT_TESTKIT.includes(name) ? arrows : [...arrows, 'testkit'];
    expect(ours(devDependencies).filter((other) => !inTests.includes(other))).toEqual([]);
  });

  test('tsconfig references are the dependencies', () => {
    if (references === undefined) return expect(ours(dependencies)).toEqual([]);
    expect([...references].sort()).toEqual(ours([...dependencies, ...devDependencies]).sort());
  });

  test('sources import what package.json names', () => {
    const wrong: string[] = [];
    for (const path of sources.filter((each) => each.startsWith(`packages/${name}/`))) {
      const isTest = TEST_FILE.test(path);
      const allowed = new Set([
        ...dependencies,
        ...(isTest || name === 'ui' ? devDependencies : []),
        `@tidemark/${name}`,
      ]);
      if (isTest || CONFORMANCE.test(path)) for (const each of FOR_ALL_TESTS) allowed.add(each);
      if (isTest && !WITHOUT_TESTKIT.includes(name)) allowed.add('@tidemark/testkit');
      for (const specifier of importsOf(textOf(path))) {
        if (/^(node:|\.|virtual:)/.test(specifier) || allowed.has(npmPackageOf(specifier))) continue;
        // The configuration of a build tool is no source of the package.
        if (/\.config\.ts$/.test(path)) continue;
        wrong.push(`${path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

test('nobody reaches into another package', () => {
  const exported = new Map(packages.map((each) => [each.name, new Set(each.exports)]));
  const wrong: string[] = [];
  for (const path of sources) {
    const depth = path.split('/').length - 3; // folders between the file and packages/<name>/
    for (const specifier of importsOf(textOf(path))) {
      if (specifier.startsWith('@tidemark/')) {
        const { name, subPath } = split(specifier);
        if (!exported.get(name)?.has(subPath)) wrong.push(`${path} imports ${specifier}`);
      } else if (/^(\.\.\/)+/.test(specifier)) {
        const up = specifier.split('../').length - 1;
        if (up > depth) wrong.push(`${path} imports ${specifier}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('a test of the whole process imports no product code', () => {
  // `base` has no metrics words: a clock and a seed in it prove nothing about the product.
  const harmless = /^@tidemark\/(testkit|base)(\/|$)/;
  const product = (specifier: string) =>
    specifier.startsWith('@tidemark/') ? !harmless.test(specifier) : /^(\.\.?\/)+src\//.test(specifier);
  const wrong = sources
    .filter((path) => path.endsWith('.app.test.ts'))
    .flatMap((path) =>
      importsOf(textOf(path))
        .filter(product)
        .map((specifier) => `${path} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});

test.each(ROOMS)('$library stays in its room', ({ library, rooms }) => {
  const wrong = sources.filter(
    (path) => !rooms.test(path) && importsOf(textOf(path)).some((each) => library.test(each)),
  );
  expect(wrong).toEqual([]);
});

test.each(TIME_AND_CHANCE)('%s is said only where the ports meet the machine', (words) => {
  const pattern = new RegExp(
    `\\b${words.replace(/[.()]/g, '\\$&').replace(' ', '\\s+')}${words.endsWith(')') ? '' : '\\b'}`,
  );
  const wrong = sources
    .filter((path) => !ASKS_THE_MACHINE.has(path) && !MAY_ASK_THE_MACHINE.test(path))
    .filter((path) => pattern.test(withoutComments(textOf(path))));
  expect(wrong).toEqual([]);
});
