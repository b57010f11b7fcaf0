import { NoisyFleet } from '@tidemark/testkit';
import { memoryBytes, peakMemoryBytes } from '../peer/process-cost.ts';
import { ask, oneSeries } from './ask.ts';
import { cpuSeconds } from './costs.ts';
import { store } from './load.ts';
import { INTERVAL_MS, START_MS, World } from './world.ts';

// A process of its own for what memory and restarts are measured of.
//
//   child.ts memory  <folder> <series> <scrapes> <seed>     stores, then says what it takes
//   child.ts store   <folder> <series> <scrapes> <seed>     stores, says so, and waits to be killed
//   child.ts restart <folder> <series> <scrapes> <seed>     opens, takes the rest of the log, answers; says what that cost
//
// Progress goes to stderr; the answer is the one line of JSON on stdout.

const [, , mode, folder = '', ...numbers] = process.argv;
const [series = 0, scrapes = 0, seed = 0] = numbers.map(Number);
const fleet = new NoisyFleet({ seed, series, startMs: START_MS });
const say = (line: string) => void process.stderr.write(`${line}\n`);
const answer = (facts: object) => void process.stdout.write(`${JSON.stringify(facts)}\n`);

if (mode === 'memory') await memory();
else if (mode === 'store') await storeAndWait();
else await restart();

async function memory(): Promise<void> {
  const before = await memoryBytes(process.pid);
  const world = await World.open(folder);
  await store(world, { fleet, scrapes, sealAll: false, say });
  await world.engine.checkpoint();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  answer({
    before,
    after: await memoryBytes(process.pid),
    peak: await peakMemoryBytes(process.pid),
    heapUsed,
    arrayBuffers,
  });
  await world.engine.close();
}

async function storeAndWait(): Promise<void> {
  const world = await World.open(folder);
  await store(world, { fleet, scrapes, sealAll: false, say });
  answer({ samples: world.samples });
  await new Promise<void>((_, reject) => setTimeout(reject, 600_000));
}

async function restart(): Promise<void> {
  const took = { ms: 0, cpuSeconds: 0 };
  const measured = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const ms = performance.now();
    const cpu = cpuSeconds();
    const result = await work();
    took.ms += performance.now() - ms;
    took.cpuSeconds += cpuSeconds() - cpu;
    return result;
  };
  const nowMs = START_MS + scrapes * INTERVAL_MS;
  const world = await measured(() => World.open(folder, { startMs: nowMs }));
  const openedMs = took.ms;
  const batches = scrapes * fleet.hosts;
  for (let { offset } = world; offset < batches; offset++) {
    // In life the log has it: making it is no part of a start.
    const batch = fleet.batch(offset % fleet.hosts, Math.floor(offset / fleet.hosts));
    await measured(() => world.apply(batch));
  }
  const asked = { matchers: oneSeries(0), startMs: START_MS, endMs: nowMs };
  const { samples } = await measured(() => ask(world.engine, asked));
  answer({ ...took, openedMs, replayed: world.samples, samples });
  // As it stands: closing would write a checkpoint.
  process.exit(0);
}
