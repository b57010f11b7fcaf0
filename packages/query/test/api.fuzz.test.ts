import { createServer, type IncomingMessage, request } from 'node:http';
import { duplexPair } from 'node:stream';
import { type Random, SelfMetrics, systemClock, TidemarkError } from '@tidemark/base';
import { type Labels, labelsOf, labelValue, type Matcher, type SeriesSource } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import express from 'express';
import { expect, test } from 'vitest';
import { Executor, QueryService, queryRouter } from '../src/index.ts';

// Whatever is asked, the API answers in its envelope, soon: nonsense with 4xx, never 5xx, and nothing hangs. Requests go through
// Node's HTTP on pairs of streams, without sockets.

const LIMITS = { seriesMax: 1000, samplesMax: 1_000_000 };
const SERIES: readonly Labels[] = ['a', 'b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'].flatMap((job) =>
  ['x', 'y_total', 'z_bucket'].map((name) => labelsOf({ __name__: name, job, le: '1', __proto__x: 'p' })),
);
const fitting = (matchers: readonly Matcher[]) =>
  SERIES.filter((labels) => matchers.every((one) => one.matches(labelValue(labels, one.name))));

const source: SeriesSource = {
  async select({ matchers, range, limits }) {
    const series = fitting(matchers).map((labels) => {
      const times = Array.from({ length: 60 }, (_, i) => i * 60_000).filter(
        (t) => t >= range.startMs && t < range.endMs,
      );
      return { labels, timestampsMs: Float64Array.from(times), values: Float64Array.from(times, (_, i) => i) };
    });
    if (series.length * 60 > limits.samplesMax) throw new TidemarkError('SELECT_TOO_MANY_SAMPLES', 'too many samples');
    return { series, warnings: [] };
  },
  selectRows: async () => ({ series: [], warnings: [] }),
  series: async ({ matchers, limit }) => ({ series: fitting(matchers).slice(0, limit), warnings: [] }),
  labelNames: async ({ limit }) => ({ series: ['__name__', 'job', 'le'].slice(0, limit), warnings: [] }),
  labelValues: async ({ name, limit }) => ({
    series: [...new Set(SERIES.map((labels) => labelValue(labels, name)))].slice(0, limit),
    warnings: [],
  }),
};

const clock = systemClock;
const service = new QueryService({
  executor: new Executor({ source, clock, lookbackMs: 300_000, subqueryStepMs: 60_000, ...LIMITS }),
  source,
  freshness: { caughtUp: async () => true },
  clock,
  metrics: new SelfMetrics(),
  timeoutMs: 20_000,
  concurrency: 4,
  ...LIMITS,
});
const app = express();
app.use('/api/v1', queryRouter({ service, nowMs: () => 3_600_000, version: '0.0.0' }));
app.use((error: Error & { status?: number }, _request: unknown, response: express.Response, _next: unknown) => {
  response.status(error.status ?? 500).json({ status: 'error', errorType: 'bad_data', error: error.message });
});
const server = createServer({ maxHeaderSize: 1024 * 1024 }, app);

interface Answer {
  readonly status: number;
  readonly body: {
    readonly status: string;
    readonly errorType?: string;
    readonly error?: string;
    readonly data?: unknown;
  };
  readonly tookMs: number;
  readonly length: number;
}

type Parameters = readonly (readonly [name: string, value: string])[];

/** A form by POST; by GET what an address holds. */
async function ask(
  path: string,
  parameters: Parameters,
  method: 'GET' | 'POST' = 'POST',
  raw?: Buffer,
): Promise<Answer> {
  const [near, far] = duplexPair();
  server.emit('connection', far);
  const form =
    raw ??
    Buffer.from(new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString());
  const startedMs = performance.now();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options =
      method === 'GET'
        ? { path: `/api/v1${path}?${form}`, method }
        : { path: `/api/v1${path}`, method, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    const asking = request({ ...options, createConnection: () => near as never }, resolve);
    asking.on('error', reject);
    asking.end(method === 'GET' ? undefined : form);
  });
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const tookMs = performance.now() - startedMs;
  near.destroy();
  const text = Buffer.concat(pieces).toString();
  const body = text === '' ? { status: 'success' } : (JSON.parse(text) as Answer['body']);
  return { status: response.statusCode ?? 0, body, tookMs, length: text.length };
}

function expectOrder({ status, body }: Answer, what: string): void {
  expect(status, what).toBeLessThan(500);
  if (status === 204) return;
  expect(body.status, what).toBe(status === 200 ? 'success' : 'error');
  if (status === 200) return;
  expect(body.errorType, what).toMatch(/^(bad_data|execution|not_found)$/);
  expect(body.error, what).toMatch(/./);
  // What somebody sent is quoted, but not whole.
  expect((body.error ?? '').length, what).toBeLessThan(65_000);
}

const QUERY = [
  ...'(){}[],:;"\'`\\+-*/%^=!~<>@#.|& \n0123456789exyz_é🦊\u0000\ud800',
  ...'x y_total {job="a"} {job=~"a.*"} [5m] [5m:1m] offset by without on ignoring group_left() bool and or unless sum( rate( topk('.split(
    ' ',
  ),
  ...'quantile_over_time( label_replace( histogram_quantile( absent( 5m 1h -1 1e308 Inf NaN start() end() step() @ fill(0) atan2'.split(
    ' ',
  ),
];
const WHOLE = [
  'x',
  'sum by (job) (rate(y_total[5m]))',
  'topk(2, x) / on (job) group_left () y_total',
  'label_replace(x, "k", "$1", "job", "(.*)")',
  'histogram_quantile(0.9, z_bucket)',
  'max_over_time(x[1h:1m])',
  'x{job=~"(a+)+$"}',
];
const TIMES = [
  '0',
  '3600',
  '-1',
  '1e99',
  'NaN',
  'now',
  '',
  '1970-01-01T00:30:00Z',
  '9223372036854775807',
  '1e15',
  '0x10',
  '1970',
];
const STEPS = ['15', '60', '0', '-1', '1e-9', '1ms', '1e99', '5m', '', 'step', '1y', '0.0004'];
const NUMBERS = ['', '0', '1', '-1', '1e9', '1.5', 'x', '99999999999999999999'];

function anyQuery(random: Random): string {
  const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
  let text = random.below(4) === 0 ? '' : pick(WHOLE);
  for (let edits = random.below(6); edits > 0; edits--) {
    const at = random.below(text.length + 1);
    text = text.slice(0, at) + pick(QUERY) + text.slice(at + random.below(3));
  }
  return text;
}

const ROUTES = [
  '/query',
  '/query_range',
  '/series',
  '/labels',
  '/label/job/values',
  '/label/U__a_/values',
  '/format_query',
  '/parse_query',
  '/query_exemplars',
  '/rows',
];

test(
  'any mixture of parameters, on any route',
  () =>
    withSeed('api', async (random) => {
      const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
      for (let round = 0; round < rounds(1500); round++) {
        const parameters: [string, string][] = [];
        for (let i = random.below(3); i > 0; i--) parameters.push(['match[]', anyQuery(random)]);
        parameters.push(['query', anyQuery(random)]);
        for (const name of ['time', 'start', 'end']) if (random.below(4) > 0) parameters.push([name, pick(TIMES)]);
        if (random.below(4) > 0) parameters.push(['step', pick(STEPS)]);
        for (const name of ['limit', 'lookback_delta', 'stats', 'resolution', 'partial_response'])
          if (random.below(5) === 0) parameters.push([name, pick(NUMBERS)]);
        const route = pick(ROUTES);
        // A timeout of nothing is one that passes.
        const kept = parameters.filter(([name]) => name !== 'timeout');
        const answer = await ask(route, kept, pick(['GET', 'POST'] as const));
        expectOrder(answer, `${route} ${JSON.stringify(kept)}`);
        expect(answer.tookMs, `${route} ${JSON.stringify(kept)}`).toBeLessThan(5000);
      }
    }),
  300_000,
);

const deep = (open: string, middle: string, close: string, count: number) =>
  open.repeat(count) + middle + close.repeat(count);
const A = 'a'.repeat(60_000);

const NASTY: readonly (readonly [what: string, query: string])[] = [
  ['nothing', ''],
  ['parentheses, ever deeper', deep('(', 'x', ')', 30_000)],
  ['parentheses that do not end', '('.repeat(60_000)],
  ['calls, ever deeper', deep('abs(', 'x', ')', 12_000)],
  ['aggregations, ever deeper', deep('sum(', 'x', ')', 12_000)],
  ['subqueries, ever deeper', deep('max_over_time(', 'x', '[1h:1m])', 2500)],
  ['signs', `${'-'.repeat(60_000)}x`],
  ['powers', Array(10_000).fill('2').join('^')],
  ['braces', '{'.repeat(60_000)],
  ['brackets', `x${'[5m]'.repeat(10_000)}`],
  ['lengths of time, ever deeper', `x[${deep('(', '5m', ')', 20_000)}]`],
  ['an unknown function', 'no_such_function(x)'],
  ['a very long unknown function', `${A}(x)`],
  ['a string that does not end', `"${A}`],
  ['escapes', `"${'\\'.repeat(59_999)}"`],
  ['a regex of nested repeats', '{job=~"((a{1000}){1000}){1000}"}'],
  ['a regex of many repeats', `{job=~"${'a{1000}'.repeat(5000)}"}`],
  ['a regex that does not end', `{job=~"${'('.repeat(30_000)}"}`],
  ['a regex ever deeper', `{job=~"${deep('(', 'a', ')', 25_000)}"}`],
  ['a regex of classes', `{job=~"${'[^a]'.repeat(15_000)}("}`],
  ['a regex with what RE2 has not', '{job=~"(?=a)\\\\1"}'],
  ['labels to group by', `sum by (${A.replaceAll('a', 'l,')}) (x) +`],
  ['matchers', `{${Array.from({ length: 5000 }, (_, i) => `a${i}=""`).join(',')}}`],
];

/** The quickest of some: others use the machine too. */
async function quickest(times: number, once: () => Promise<Answer>): Promise<Answer> {
  let best = await once();
  for (let i = 1; i < times && best.tookMs >= 100; i++) {
    const next = await once();
    if (next.tookMs < best.tookMs) best = next;
  }
  return best;
}

test.each(NASTY)('refused at once: %s', async (_, query) => {
  for (const [path, more] of [
    ['/query', []],
    [
      '/query_range',
      [
        ['start', '0'],
        ['end', '3600'],
        ['step', '60'],
      ],
    ],
    ['/parse_query', []],
    ['/series', [['match[]', query]]],
  ] as [string, Parameters][]) {
    const answer = await quickest(5, () => ask(path, [['query', query], ...more]));
    expectOrder(answer, path);
    expect(answer.status, path).not.toBe(200);
    expect(answer.tookMs, path).toBeLessThan(100);
  }
});

test.each<[string, Parameters]>([
  [
    '11,001 steps',
    [
      ['start', '0'],
      ['end', '11001'],
      ['step', '1'],
    ],
  ],
  [
    'a step of a nanosecond',
    [
      ['start', '0'],
      ['end', '1'],
      ['step', '1e-9'],
    ],
  ],
  [
    'all of time',
    [
      ['start', '-1e15'],
      ['end', '1e15'],
      ['step', '1'],
    ],
  ],
  [
    'a step that is none',
    [
      ['start', '0'],
      ['end', '1'],
      ['step', 'NaN'],
    ],
  ],
  [
    'the end before the start',
    [
      ['start', '2'],
      ['end', '1'],
      ['step', '1'],
    ],
  ],
])('refused at once: %s', async (_, parameters) => {
  const answer = await quickest(5, () => ask('/query_range', [['query', 'x'], ...parameters]));
  expect([answer.status, answer.body.errorType]).toEqual([400, 'bad_data']);
  expect(answer.tookMs).toBeLessThan(100);
});

test('11,000 steps are answered', async () => {
  const answer = await ask('/query_range', [
    ['query', 'x'],
    ['start', '0'],
    ['end', '11000'],
    ['step', '1'],
  ]);
  expect(answer.status).toBe(200);
});

test('regexes that take others for ever are answered', async () => {
  for (const regex of ['(a+)+$', '(a|aa)+$', '(.*a){20}', '([a-zA-Z]+)*$', '(a|a?)+$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const query = `x{job=~"${regex}"} or label_replace(x, "k", "$1", "job", "${regex}")`;
    const answer = await quickest(5, () => ask('/query', [['query', query]]));
    expect([answer.status, regex]).toEqual([200, regex]);
    expect(answer.tookMs, regex).toBeLessThan(100);
  }
});

test('bodies of 10 MB: refused, and nothing of them is kept', async () => {
  const before = memory();
  const names = Buffer.from(`query=1${Array.from({ length: 1_000_000 }, (_, i) => `&a${i}=1`).join('')}`);
  const bodies: readonly [string, Buffer][] = [
    ['a query', Buffer.from(`query=${'x'.repeat(10_000_000)}`)],
    ['a query of escapes', Buffer.from(`query=${'%28'.repeat(3_400_000)}`)],
    ['parameters', names],
    ['separators', Buffer.from('&'.repeat(10_000_000))],
    ['more than is read', Buffer.from(`query=${'x'.repeat(10_600_000)}`)],
  ];
  for (const [what, body] of bodies) {
    const answer = await quickest(5, () => ask('/query', [], 'POST', body));
    expectOrder(answer, what);
    expect(answer.status, what).not.toBe(200);
    expect(answer.tookMs, what).toBeLessThan(1000);
    expect(answer.length, what).toBeLessThan(2000);
  }
  expect(memory() - before).toBeLessThan(200e6);
});

function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
