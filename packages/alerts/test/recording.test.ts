import { SelfMetrics, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { SimLog } from '@tidemark/log/sim';
import {
  type InstantAnswer,
  type InstantQuery,
  labelsOf,
  type NativeHistogram,
  type QueryPort,
  type SampleBatch,
} from '@tidemark/model';
import { parse } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { loadRules, type Rules, startRules } from '../src/index.ts';
import { MemoryStore } from '../src/unit-test/memory-store.ts';

// Rules that write series: what they write, when it is seen, and how it ends. Groups are evaluated every 10 s.

const START_MS = Date.UTC(2026, 10, 22, 10);

class Bench {
  readonly clock = new SimClock(START_MS);
  readonly store = new MemoryStore(this.clock);
  readonly asked: InstantQuery[] = [];
  readonly batches: SampleBatch[] = [];
  /** What is answered to a question, whatever is stored. */
  readonly scripted = new Map<string, InstantAnswer['samples']>();
  rules!: Rules;
  refuse: ((batch: SampleBatch) => { reason: string; count: number; example: string } | undefined) | undefined;
  sinkFails: Error | undefined;
  isFresh = true;

  static async begin(rules: string): Promise<Bench> {
    const bench = new Bench();
    const query: QueryPort = {
      evaluate: async (question) => {
        bench.asked.push(question);
        const samples = bench.scripted.get(question.expression);
        if (samples) return { samples, warnings: [], fresh: bench.isFresh };
        return { ...(await bench.store.evaluate(question)), fresh: bench.isFresh };
      },
    };
    bench.rules = await startRules({
      log: new SimLog({ clock: bench.clock }),
      query,
      sink: { append: (batch) => bench.#append(batch) },
      clock: bench.clock,
      logger: silentLogger,
      metrics: new SelfMetrics(),
      externalUrl: 'http://tidemark',
      groups: groupsOf(rules),
      intervalMs: 10_000,
    });
    return bench;
  }

  async #append(batch: SampleBatch) {
    if (this.sinkFails) throw this.sinkFails;
    this.batches.push(batch);
    const refused = this.refuse?.(batch);
    return refused ? { accepted: 0, refused: [refused] } : this.store.append(batch);
  }

  /** A value of `up` by instance, now. */
  set(values: Record<string, number>, labels: Record<string, string> = {}): void {
    for (const [instance, value] of Object.entries(values)) {
      this.store.add(labelsOf({ __name__: 'up', instance, ...labels }), this.clock.nowMs(), value);
    }
  }

  /** One evaluation of every group, on data of the moment before. */
  async tick(values?: Record<string, number>): Promise<void> {
    if (values) this.set(values);
    await this.clock.advance(10_000);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async see(expression: string): Promise<Record<string, number>> {
    const { samples } = await this.store.evaluate({
      tenant: 'default',
      expression,
      atMs: this.clock.nowMs(),
      consistency: 'latest',
      timeoutMs: 1000,
    });
    return Object.fromEntries(
      samples.map(({ labels, value }) => [
        labels.map(({ name, value: text }) => (name === '__name__' ? text : `${name}=${text}`)).join(' '),
        value,
      ]),
    );
  }

  rule(index = 0, group = 0) {
    return this.rules.rules()[group]?.rules[index];
  }
}

function groupsOf(text: string) {
  return loadRules([{ file: 'rules.yml', text }], { checkExpression: (expr) => void parse(expr) }).groups;
}

const group = (rules: string, more = '') => `groups:\n- name: g\n${more}  rules:\n${rules}`;
const record = (name: string, expr: string, labels = '{}') =>
  `  - {record: "${name}", expr: '${expr}', labels: ${labels}}\n`;

test('a rule’s name and labels are laid over those of what it found', async () => {
  const bench = await Bench.begin(group(record('job:up:sum', 'up', '{instance: all, team: core, job: ""}')));
  bench.set({ a: 3 }, { job: 'x', zone: 'z' });
  await bench.tick();
  expect(await bench.see('{__name__=~"job:.+"}')).toEqual({ 'job:up:sum instance=all team=core zone=z': 3 });
  expect(bench.rules.rules()[0]).toMatchObject({ lastSamples: 1, rules: [{ health: 'ok', lastError: '' }] });
});

test('a scalar is recorded as a series without labels', async () => {
  const bench = await Bench.begin(group(record('answer', '42')));
  await bench.tick();
  expect(await bench.see('answer')).toEqual({ answer: 42 });
});

test('a rule sees what the ones before it have just computed, and only then has to wait', async () => {
  const bench = await Bench.begin(
    group(
      record('a', 'up') +
        record('b', 'up * 2') +
        record('c', 'sum(a) + sum(b)') +
        record('d', 'up') +
        record('e', 'c + 1'),
    ),
  );
  await bench.tick({ x: 1, y: 2 });
  expect(await bench.see('c')).toEqual({ c: 9 });
  expect(await bench.see('e')).toEqual({ e: 10 });
  expect(bench.asked.map(({ expression, consistency }) => `${consistency} ${expression}`)).toEqual([
    'strong up',
    'latest up * 2',
    'strong sum(a) + sum(b)',
    'latest up',
    'strong c + 1',
  ]);
});

test('one question is asked once, and independent rules are written in one go', async () => {
  const bench = await Bench.begin(group(record('a', 'up') + record('b', 'up') + record('c', 'up')));
  await bench.tick({ x: 1 });
  expect(bench.asked).toHaveLength(1);
  expect(bench.batches.map(({ values }) => values.length)).toEqual([3]);
});

test('what is not found any more ends with a stale marker, and only once', async () => {
  const bench = await Bench.begin(group(record('a', 'up > 0')));
  await bench.tick({ x: 1, y: 1 });
  await bench.tick({ x: 1, y: 0 });
  expect(await bench.see('a')).toEqual({ 'a instance=x': 1 });
  await bench.tick({ x: 1, y: 0 });
  expect(bench.batches.map(({ values }) => values.length)).toEqual([2, 2, 1]);
});

test('an evaluation that fails ends nothing; the next one that works does', async () => {
  const bench = await Bench.begin(group(record('a', 'up + on(instance) group_left up{z="1"} > 0 or up > 0')));
  await bench.tick({ x: 1, y: 1 });
  bench.set({ x: 1 }, { z: '1' });
  bench.store.add(labelsOf({ __name__: 'up', instance: 'x', z: '1', w: '2' }), bench.clock.nowMs(), 1);
  await bench.tick({ x: 1, y: 1 });
  expect(bench.rule()).toMatchObject({ health: 'err', lastError: expect.stringContaining('match') });
  expect(Object.keys(await bench.see('a'))).toHaveLength(2);
});

test('an answer that may lack something does not end what it lacks', async () => {
  const bench = await Bench.begin(group(record('a', 'up > 0')));
  await bench.tick({ x: 1, y: 1 });
  bench.isFresh = false;
  await bench.tick({ x: 1, y: 0 });
  expect(Object.keys(await bench.see('a'))).toEqual(['a instance=x', 'a instance=y']);
  bench.isFresh = true;
  await bench.tick({ x: 1, y: 0 });
  expect(Object.keys(await bench.see('a'))).toEqual(['a instance=x']);
});

test('two results that come to the same series are an error of that rule alone', async () => {
  const bench = await Bench.begin(group(record('a', 'up', '{instance: ""}') + record('b', 'sum(up)')));
  await bench.tick({ x: 1, y: 1 });
  expect(bench.rule(0)).toMatchObject({
    health: 'err',
    lastError: 'vector contains metrics with the same labelset after applying rule labels',
  });
  expect(await bench.see('a')).toEqual({});
  expect(await bench.see('b')).toEqual({ b: 2 });
});

test('more series than the group’s limit are an error', async () => {
  const bench = await Bench.begin(group(record('a', 'up') + record('b', 'up == 1'), '  limit: 1\n'));
  await bench.tick({ x: 1, y: 2 });
  expect(bench.rule(0)?.lastError).toBe('exceeded limit of 1 with 2 series');
  expect(bench.rule(1)?.lastError).toBe('');
});

test('query_offset looks at older data, and writes for that time', async () => {
  const bench = await Bench.begin(group(record('a', 'up'), '  query_offset: 10s\n'));
  await bench.tick({ x: 1 });
  await bench.tick({ x: 2 });
  const [asked] = bench.asked.slice(-1);
  expect(bench.batches.at(-1)?.timestampsMs[0]).toBe(asked?.atMs);
  expect(asked?.atMs).toBeLessThanOrEqual(START_MS + 10_000);
  expect(await bench.see('a')).toEqual({ 'a instance=x': 1 });
});

test('a sink that fails, or refuses, is shown at the rules it concerns', async () => {
  const bench = await Bench.begin(group(record('a', 'up > 0') + record('b', 'sum(up)')));
  await bench.tick({ x: 1, y: 1 });
  bench.sinkFails = new TidemarkError('INGEST_UNAVAILABLE', 'the log is away');
  await bench.tick({ x: 1, y: 0 });
  expect([bench.rule(0)?.lastError, bench.rule(1)?.lastError]).toEqual(['the log is away', 'the log is away']);
  bench.sinkFails = undefined;
  // What ended while nothing could be written is told of now.
  await bench.tick({ x: 1, y: 0 });
  expect(await bench.see('a')).toEqual({ 'a instance=x': 1 });
  bench.refuse = (batch) =>
    batch.series.count === 1 ? undefined : { reason: 'label_too_long', count: 1, example: 'too long' };
  await bench.tick({ x: 1, y: 1 });
  expect([bench.rule(0)?.lastError, bench.rule(1)?.lastError]).toEqual(['too long', '']);
});

test('ALERTS and ALERTS_FOR_STATE follow an alert from pending to its end', async () => {
  const bench = await Bench.begin(
    group("  - {alert: Down, expr: 'up == 0', for: 20s, labels: {severity: page}, annotations: {a: b}}\n"),
  );
  await bench.tick({ x: 0, y: 1 });
  const since = Math.floor((bench.rules.alerts()[0]?.activeAtMs as number) / 1000);
  const labels = 'instance=x severity=page';
  expect(await bench.see('ALERTS')).toEqual({ [`ALERTS alertname=Down alertstate=pending ${labels}`]: 1 });
  expect(await bench.see('ALERTS_FOR_STATE')).toEqual({ [`ALERTS_FOR_STATE alertname=Down ${labels}`]: since });
  await bench.tick({ x: 0 });
  await bench.tick({ x: 0 });
  expect(await bench.see('ALERTS')).toEqual({ [`ALERTS alertname=Down alertstate=firing ${labels}`]: 1 });
  await bench.tick({ x: 1 });
  expect(await bench.see('{__name__=~"ALERTS.*"}')).toEqual({});
});

test('a rule may read ALERTS of the one before it', async () => {
  const bench = await Bench.begin(group(`  - {alert: Down, expr: 'up == 0'}\n${record('firing', 'count(ALERTS)')}`));
  await bench.tick({ x: 0, y: 0 });
  expect(await bench.see('firing')).toEqual({ firing: 2 });
});

test('a reload keeps what unchanged rules know, and ends the series of those that are gone', async () => {
  const [a, b] = [record('a', 'up > 0'), record('b', 'up > 0')];
  const other = '- name: other\n  rules:\n  - {record: c, expr: up}\n';
  const bench = await Bench.begin(group(a + b) + other);
  await bench.tick({ x: 1, y: 1 });
  expect(Object.keys(await bench.see('{__name__=~"[abc]"}'))).toHaveLength(6);
  await bench.rules.reload(groupsOf(group(a)));
  await bench.tick({ x: 1, y: 0 });
  expect(await bench.see('{__name__=~"[abc]"}')).toEqual({ 'a instance=x': 1 });
});

test('a series that moves from one rule to another does not end', async () => {
  const bench = await Bench.begin(
    group(
      `  - {record: a, expr: 'up{instance="x"} > 0'}\n${record('z', 'up')}  - {record: a, expr: 'label_replace(up{instance="y"} < 0, "instance", "x", "", "")'}\n`,
    ),
  );
  await bench.tick({ x: 1, y: 1 });
  await bench.tick({ x: 0, y: -1 });
  expect(await bench.see('a')).toEqual({ 'a instance=x': -1 });
});

test('the templates of an alert may ask, and the same question is asked once', async () => {
  const bench = await Bench.begin(
    group(
      `  - {alert: Down, expr: 'up == 0', annotations: {a: '{{ with query "sum(up)" }}{{ . | first | value }}{{ end }} of {{ $labels.instance }}'}}\n`,
    ),
  );
  await bench.tick({ x: 0, y: 0, z: 5 });
  expect(bench.rules.alerts().map(({ annotations }) => annotations[0]?.value)).toEqual(['5 of x', '5 of y']);
  expect(bench.asked.map(({ expression }) => expression)).toEqual(['up == 0', 'sum(up)']);
});

/** Of two buckets, (1, 2] and (2, 4]. */
function histogram(counts: readonly [number, number], sum: number): NativeHistogram {
  return {
    schema: 0,
    hint: 'gauge',
    fractions: true,
    zeroThreshold: 0.001,
    zeroCount: 0,
    count: counts[0] + counts[1],
    sum,
    positive: { spans: [{ gap: 1, length: 2 }], counts: Float64Array.from(counts) },
    negative: { spans: [], counts: new Float64Array(0) },
    bounds: undefined,
  };
}

test('native histograms are recorded beside numbers, and end as these do', async () => {
  const bench = await Bench.begin(group(record('latency:sum', 'latency') + record('others:sum', 'sum(up)')));
  const of = (instance: string) => labelsOf({ __name__: 'latency', instance });
  bench.scripted.set('latency', [
    { labels: of('a'), value: Number.NaN, histogram: histogram([1.5, 2.5], 9) },
    { labels: of('b'), value: 7 },
    { labels: of('c'), value: Number.NaN, histogram: histogram([3, 5], 20) },
  ]);
  await bench.tick({ x: 1 });
  expect(bench.rules.rules()[0]?.rules.map(({ health }) => health)).toEqual(['ok', 'ok']);
  expect(await bench.see('histogram_count(latency:sum)')).toEqual({ 'instance=a': 4, 'instance=c': 8 });
  expect(await bench.see('histogram_sum(sum(latency:sum{instance!="b"}))')).toEqual({ '': 29 });
  expect(await bench.see('latency:sum{instance="b"}')).toEqual({ 'latency:sum instance=b': 7 });
  expect(await bench.see('others:sum')).toEqual({ 'others:sum': 1 });
  // The second time the same series come, of other kinds; then one has gone.
  bench.scripted.set('latency', [
    { labels: of('a'), value: 8 },
    { labels: of('b'), value: Number.NaN, histogram: histogram([1, 1], 3) },
    { labels: of('c'), value: Number.NaN, histogram: histogram([4, 6], 25) },
  ]);
  await bench.tick({ x: 1 });
  expect(await bench.see('histogram_count(latency:sum)')).toEqual({ 'instance=b': 2, 'instance=c': 10 });
  expect(await bench.see('latency:sum{instance="a"}')).toEqual({ 'latency:sum instance=a': 8 });
  bench.scripted.set('latency', [{ labels: of('a'), value: 9 }]);
  await bench.tick({ x: 1 });
  expect(await bench.see('count(latency:sum)')).toEqual({ '': 1 });
});

test('a histogram that cannot be stored is not recorded: the rule says so, and the group goes on', async () => {
  const bench = await Bench.begin(group(record('latency:sum', 'sum(latency)') + record('others:sum', 'sum(up)')));
  bench.scripted.set('sum(latency)', [{ labels: [], value: Number.NaN, histogram: histogram([-1, 2], 3) }]);
  await bench.tick({ a: 1 });
  const [first, second] = [bench.rule(0), bench.rule(1)];
  expect(first).toMatchObject({ health: 'err' });
  expect(first?.lastError).toBe(
    'the expression of latency:sum answers with a native histogram that cannot be stored: histogram_counts',
  );
  expect(second).toMatchObject({ health: 'ok', lastError: '' });
  expect(await bench.see('latency:sum')).toEqual({});
});
