import { cp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lineLogger, nodeDisk, type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher, wordsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { type TempFolder, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStorageEngine, type StorageEngine, type Verified, verifyStore, WINDOW_MS } from '../src/index.ts';
import { SimObjectStore } from '../src/sim.ts';
import { KEY } from './world.ts';

// A real folder of several windows, each a LevelDB of its own; then one file of one window is removed, cut or flipped, in a copy.
//
//   the engine opens                                    a damaged window stops nobody
//   that window answers what it had, or warns           less is a gap, another value is a lie
//   the others answer what they had, and do not warn
//   the same when it was opened again, written to, and sealed

const TP = { topic: 'tidemark.raw', partition: 0 };
const START_MS = Math.ceil(1_700_000_000_000 / WINDOW_MS.raw) * WINDOW_MS.raw;
const WINDOWS = 3;
const SERIES = 6;
/** Records of a window; a checkpoint follows each. */
const RECORDS = 4;
const PER_RECORD = 150;
const STEP_MS = WINDOW_MS.raw / (RECORDS * PER_RECORD);

/** Each point of a window, as bits. */
type Points = ReadonlyMap<string, string>;

interface Answer {
  readonly points: Points;
  readonly warnings: readonly string[];
}

let root: TempFolder;
let folder = '';
let truth: readonly Points[] = [];

beforeAll(async () => {
  root = await tempFolder('leveldb-damage');
  folder = join(root.path, 'whole');
  await fill(folder);
  const copy = join(root.path, 'truth');
  await cp(folder, copy, { recursive: true });
  await using opened = await open(copy);
  truth = (await readAll(opened.engine)).map(({ points }) => points);
  expect(truth.map(({ size }) => size)).toEqual(Array(WINDOWS).fill(SERIES * RECORDS * PER_RECORD));
});

afterAll(() => root[Symbol.asyncDispose]());

interface Opened extends AsyncDisposable {
  readonly engine: StorageEngine;
  readonly metrics: SelfMetrics;
  /** What it logged. */
  readonly lines: readonly string[];
  readonly clock: SimClock;
}

async function open(at: string, objectStore = new SimObjectStore(seededRandom(1))): Promise<Opened> {
  const clock = new SimClock(START_MS + WINDOWS * WINDOW_MS.raw);
  const disk = nodeDisk(at);
  const metrics = new SelfMetrics();
  const lines: string[] = [];
  const logger = lineLogger({ write: (line) => lines.push(line), nowMs: () => clock.nowMs() });
  const installationKey = KEY;
  const engine = await openStorageEngine({ disk, folder: at, objectStore, clock, installationKey, metrics, logger });
  return { engine, metrics, lines, clock, [Symbol.asyncDispose]: () => engine.close() };
}

/** Round after round through all windows: all but the first are out of order in some. */
async function fill(at: string): Promise<void> {
  for (let round = 0; round < RECORDS; round++) {
    // Opened anew: what was in LevelDB's log is in a table then, but for the last.
    await using opened = await open(at);
    for (let window = 0; window < WINDOWS; window++) {
      const fromMs = START_MS + window * WINDOW_MS.raw + round * PER_RECORD * STEP_MS;
      const value = (series: number, i: number) => series * 1000 + round + i / 4;
      apply(opened.engine, round * WINDOWS + window, (series, i) => ({
        series,
        atMs: fromMs + i * STEP_MS,
        value: value(series, i),
      }));
      await opened.engine.checkpoint();
    }
  }
}

function apply(
  engine: StorageEngine,
  offset: number,
  sample: (series: number, i: number) => { series: number | string; atMs: number; value: number },
): void {
  const builder = new BatchBuilder('default');
  for (let series = 0; series < SERIES; series++) {
    for (let i = 0; i < PER_RECORD; i++) {
      const { series: instance, atMs, value } = sample(series, i);
      builder.addLabels(labelsOf({ __name__: `m${series % 2}`, instance: `${instance}` }), atMs, value);
    }
  }
  engine.applySamples({ ...TP, offset, batch: builder.build(START_MS) });
}

async function readAll(engine: StorageEngine): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    const startMs = START_MS + window * WINDOW_MS.raw;
    const { series, warnings } = await engine.source().select({
      tenant: 'default',
      matchers: [matcher('=~', 'instance', '[0-9]+')],
      range: { startMs, endMs: startMs + WINDOW_MS.raw },
      limits: { seriesMax: 1000, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    const points = new Map<string, string>();
    for (const { labels, timestampsMs, values } of series) {
      const words = wordsOf(values);
      for (const [i, time] of timestampsMs.entries()) {
        points.set(`${JSON.stringify(labels)} ${time}`, `${words[i * 2]} ${words[i * 2 + 1]}`);
      }
    }
    answers.push({ points, warnings });
  }
  return answers;
}

/** What the harmed window must do, and all others. Returns whether it lacks anything. */
function expectHonest(answers: readonly Answer[], harmed: number, when: string): boolean {
  for (const [window, { points, warnings }] of answers.entries()) {
    const whole = truth[window] as Points;
    if (window !== harmed) {
      expect([points.size, warnings], `window ${window}, which nobody touched, ${when}`).toEqual([whole.size, []]);
    }
    for (const [point, bits] of points) expect(bits, `${point} ${when}`).toBe(whole.get(point));
    if (points.size < whole.size) expect(warnings, `window ${window} lacks samples ${when}`).not.toEqual([]);
  }
  return (answers[harmed] as Answer).points.size < (truth[harmed] as Points).size;
}

async function verdicts(at: string, objectStore: SimObjectStore): Promise<Verified[]> {
  const found: Verified[] = [];
  for await (const one of verifyStore({ disk: nodeDisk(at), folder: at, objectStore, nowMs: START_MS }))
    found.push(one);
  return found;
}

const windowFolder = (at: string, window: number) => {
  const startMs = String(START_MS + window * WINDOW_MS.raw).padStart(15, '0');
  return join(at, 'shards', TP.topic, String(TP.partition), 'windows', `raw_${startMs}_0000`);
};

type Harm = (file: string) => Promise<void>;

function cutTo(length: number): Harm {
  return (file) => truncate(file, length);
}

function flipped(bits: readonly number[]): Harm {
  return async (file) => {
    const bytes = await readFile(file);
    for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    await writeFile(file, bytes);
  };
}

function harmsOf(size: number, random: Random): [string, Harm][] {
  const harms: [string, Harm][] = [['removed', (file) => rm(file)]];
  if (size === 0) return harms;
  const lengths = new Set([0, 1, size >> 1, size - 1, random.below(size), random.below(size)]);
  for (const length of lengths) harms.push([`cut to ${length} of ${size} bytes`, cutTo(length)]);
  for (let i = 0; i < 4; i++) {
    const bits = Array.from({ length: 1 + random.below(3) }, () => random.below(size * 8));
    harms.push([`flipped at bits ${bits.join(', ')} of ${size} bytes`, flipped(bits)]);
  }
  return harms;
}

/** Opens a harmed copy, reads; writes, opens again, reads; seals, reads. */
async function live(copy: string, harmed: number, what: string): Promise<boolean> {
  const objects = new SimObjectStore(seededRandom(1));
  let lacks: boolean;
  {
    await using opened = await open(copy, objects);
    lacks = expectHonest(await readAll(opened.engine), harmed, `at the first start (${what})`);
    apply(opened.engine, WINDOWS * RECORDS, (series, i) => ({
      series: `late-${series}`,
      atMs: START_MS + i * ((WINDOWS * WINDOW_MS.raw) / PER_RECORD),
      value: i,
    }));
    await opened.engine.checkpoint();
    expectHonest(await readAll(opened.engine), harmed, `after more was written (${what})`);
  }
  const named = (await verdicts(copy, objects)).filter(({ verdict }) => verdict === 'damaged' || verdict === 'missing');
  // What nobody reads any more may be damaged too: a manifest that a later one replaced.
  if (named.length > 0 || lacks)
    expect(named.map(({ file }) => join(copy, file))).toEqual([windowFolder(copy, harmed)]);
  await using opened = await open(copy, objects);
  expectHonest(await readAll(opened.engine), harmed, `at the second start (${what})`);
  await opened.clock.advance(WINDOW_MS.raw);
  expect((await opened.engine.seal({ supplementsToo: true })).failures).toEqual([]);
  expectHonest(await readAll(opened.engine), harmed, `after sealing (${what})`);
  return lacks;
}

interface Case {
  readonly name: string;
  readonly how: string;
  readonly harm: Harm;
}

/** Every file of a window's database, gone; and in every other way. */
async function casesOf(window: number, random: Random): Promise<{ gone: Case[]; others: Case[] }> {
  const gone: Case[] = [];
  const others: Case[] = [];
  for (const name of await readdir(windowFolder(folder, window))) {
    const size = (await readFile(join(windowFolder(folder, window), name))).length;
    for (const [how, harm] of harmsOf(size, random)) (how === 'removed' ? gone : others).push({ name, how, harm });
  }
  return { gone, others };
}

async function harmedCopy(window: number, name: string, harm: Harm): Promise<string> {
  const copy = join(root.path, 'copy');
  await rm(copy, { recursive: true, force: true });
  await cp(folder, copy, { recursive: true });
  await harm(join(windowFolder(copy, window), name));
  return copy;
}

/** As many of a list as a run plays. */
function someOf(cases: Case[], count: number, random: Random): Case[] {
  return Array.from({ length: Math.min(count, cases.length) }, () =>
    cases.splice(random.below(cases.length), 1),
  ).flat();
}

test(
  'any file of a window, harmed in any way, costs that window samples and a warning at most',
  {
    timeout: 600_000,
  },
  () =>
    withSeed('leveldb-damage', async (random) => {
      const outcomes = { whole: 0, lacking: 0 };
      const harmed = random.below(WINDOWS);
      const { gone, others } = await casesOf(harmed, random);
      for (const { name, how, harm } of [...gone, ...someOf(others, rounds(12), random)]) {
        const copy = await harmedCopy(harmed, name, harm);
        outcomes[(await live(copy, harmed, `${name} of window ${harmed} ${how}`)) ? 'lacking' : 'whole']++;
      }
      // Neither is all there is: some harm is mended, some is not.
      expect(outcomes.whole).toBeGreaterThan(2);
      expect(outcomes.lacking).toBeGreaterThan(2);
    }),
);

/** Content of a database's files, by name; without those that only talk. */
async function contentOf(database: string): Promise<Map<string, string>> {
  const names = (await readdir(database)).filter((name) => !/^LO/.test(name));
  const hex = async (name: string) => (await readFile(join(database, name))).toString('hex');
  return new Map(await Promise.all(names.map(async (name) => [name, await hex(name)] as const)));
}

const keptFolder = (at: string, window: number) =>
  join(at, 'quarantine', `window-${windowFolder('', window).replaceAll('/', '_')}`);

const fileOf = async (window: number, pattern: RegExp) =>
  (await readdir(windowFolder(folder, window))).find((name) => pattern.test(name)) as string;

test.each([/^CURRENT$/, /^MANIFEST/])(
  'a database without its %s is mended: all of it is there, and what was found is kept',
  async (pattern) => {
    const name = await fileOf(1, pattern);
    const copy = await harmedCopy(1, name, (file) => rm(file));
    const found = await contentOf(windowFolder(copy, 1));
    for (const mended of [1, 0]) {
      await using opened = await open(copy);
      expect((await readAll(opened.engine)).map(({ points, warnings }) => [points.size, warnings])).toEqual(
        truth.map(({ size }) => [size, []]),
      );
      const counted = /quarantined_total\{what="window-mended"\} (\d+)/.exec(opened.metrics.expose());
      expect(Number(counted?.[1] ?? 0)).toBe(mended);
    }
    expect(await contentOf(keptFolder(copy, 1))).toEqual(found);
  },
);

test('a database with a table cut short is kept as it was found and said once; answers warn until it is put back', async () => {
  const copy = await harmedCopy(1, await fileOf(1, /\.ldb$/), cutTo(1000));
  const found = await contentOf(windowFolder(copy, 1));
  for (const start of ['first', 'second']) {
    await using opened = await open(copy);
    for (let read = 0; read < 3; read++) expect(expectHonest(await readAll(opened.engine), 1, start)).toBe(true);
    const said = opened.lines.filter((line) => line.includes('a window is damaged'));
    expect(said).toEqual([expect.stringContaining('quarantine/window-shards_tidemark.raw_0_windows_raw_')]);
    expect(said[0]?.includes('put its folder back')).toBe(start === 'first');
    expect(await contentOf(keptFolder(copy, 1))).toEqual(found);
  }
  await rm(windowFolder(copy, 1), { recursive: true });
  await cp(windowFolder(folder, 1), windowFolder(copy, 1), { recursive: true });
  await using opened = await open(copy);
  expect(expectHonest(await readAll(opened.engine), 1, 'put back')).toBe(false);
  expect((await readAll(opened.engine)).map(({ warnings }) => warnings)).toEqual([[], [], []]);
});

test('a log cut at its end costs the last checkpoint of the window and no more', async () => {
  const log = await fileOf(1, /\.log$/);
  const size = (await readFile(join(windowFolder(folder, 1), log))).length;
  const copy = await harmedCopy(1, log, cutTo(size - 1));
  await using opened = await open(copy);
  const answers = await readAll(opened.engine);
  expect(expectHonest(answers, 1, 'at the start')).toBe(true);
  expect(answers[1]?.points.size).toBeGreaterThanOrEqual((SERIES * (RECORDS - 1) - 1) * PER_RECORD);
  expect(answers[1]?.warnings).toContainEqual(expect.stringMatching(/lacks what came after checkpoint \d+$/));
});

test('a start that died while it looked at a database leaves it to the next, as it was', async () => {
  const copy = await harmedCopy(1, 'CURRENT', async () => undefined);
  const aside = keptFolder(copy, 1).replace('window-', 'opening-');
  await cp(windowFolder(copy, 1), aside, { recursive: true });
  for (const name of await readdir(windowFolder(copy, 1))) {
    if (name.endsWith('.ldb')) await rm(join(windowFolder(copy, 1), name));
  }
  await using opened = await open(copy);
  expect((await readAll(opened.engine)).map(({ points, warnings }) => [points.size, warnings])).toEqual(
    truth.map(({ size }) => [size, []]),
  );
  expect(await readdir(join(copy, 'quarantine'))).toEqual([]);
});

test.each(['CURRENT', 'a table'])(
  'a window that loses %s while the engine has it closed takes nothing more, and stops nobody',
  async (what) => {
    const copy = await harmedCopy(2, 'CURRENT', async () => undefined);
    const late = (engine: StorageEngine, offset: number) =>
      apply(engine, offset, (series, i) => ({
        series: `late-${series}`,
        atMs: START_MS + 2 * WINDOW_MS.raw + i * STEP_MS,
        value: offset,
      }));
    {
      await using opened = await open(copy);
      const database = windowFolder(copy, 2);
      expect(await openFiles(database)).not.toEqual([]);
      await opened.clock.advance(10 * 60_000);
      // The clock is simulated, the files are not: LevelDB ends its compaction first.
      await expect.poll(() => openFiles(database), { timeout: 60_000 }).toEqual([]);
      for (const name of await readdir(database)) {
        if (what === 'CURRENT' ? name === what : name.endsWith('.ldb')) await rm(join(database, name));
      }
      late(opened.engine, WINDOWS * RECORDS);
      await opened.engine.checkpoint();
      expect(expectHonest(await readAll(opened.engine), 2, 'before a start')).toBe(true);
      late(opened.engine, WINDOWS * RECORDS + 1);
      await opened.engine.checkpoint();
      expect(await countLate(opened.engine)).toBe(SERIES * PER_RECORD);
    }
    await using opened = await open(copy);
    expect(await countLate(opened.engine)).toBe(SERIES * PER_RECORD);
    expect(expectHonest(await readAll(opened.engine), 2, 'after a start')).toBe(what !== 'CURRENT');
  },
);

/** What this process has open below a folder. A database keeps its `LOCK` open until it is closed. */
async function openFiles(below: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((path) => path.startsWith(below));
}

async function countLate(engine: StorageEngine): Promise<number> {
  const { series } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=~', 'instance', 'late-.*')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 1000, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  for (const { values } of series) expect(new Set(values)).toEqual(new Set([WINDOWS * RECORDS + 1]));
  return series.reduce((sum, { timestampsMs }) => sum + timestampsMs.length, 0);
}

test('what looks at a store that nobody has open leaves damaged databases as they are', async () => {
  const copy = await harmedCopy(1, await fileOf(1, /^MANIFEST/), (file) => rm(file));
  const found = await contentOf(windowFolder(copy, 1));
  const named = (await verdicts(copy, new SimObjectStore(seededRandom(1)))).filter(({ verdict }) => verdict !== 'ok');
  expect(named.map(({ file, verdict }) => [join(copy, file), verdict])).toEqual([[windowFolder(copy, 1), 'damaged']]);
  expect(await contentOf(windowFolder(copy, 1))).toEqual(found);
});
