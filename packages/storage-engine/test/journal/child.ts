import { nodeDisk, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, labelValue, matcher } from '@tidemark/model';
import { openFileObjectStore, openJournaledEngine } from '@tidemark/storage-engine';

// The process that is killed. `child.ts run <folder> <from>` appends numbers from there on, some at once, and prints `told 17` when the
// one before 17 was acknowledged; `child.ts dump <folder>` prints what is there, in order.

const [, , mode, folder = '', from = '0'] = process.argv;
// A millisecond a number, an hour ago and more.
const timeOf = (number: number) => BASE_MS + number;
const BASE_MS = Math.floor(systemClock.nowMs() / 3_600_000) * 3_600_000 - 3_600_000;

const engine = await openJournaledEngine({
  disk: nodeDisk(folder),
  objectStore: await openFileObjectStore(`${folder}/objects`),
  clock: systemClock,
  installationKey: new Uint8Array(32).fill(3),
  // Files come and go.
  journal: { fileBytesMax: 20_000 },
});
if (mode === 'run') await run(Number(from));
else await dump();

async function append(number: number): Promise<void> {
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'told', number: String(number) }), timeOf(number), number);
  await engine.append(builder.build(systemClock.nowMs()));
}

async function run(first: number): Promise<void> {
  for (let next = first; ; next += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, i) => append(next + i)));
    process.stdout.write(`told ${next + 8}\n`);
    if (next % 160 === 0) await engine.checkpoint();
  }
}

async function dump(): Promise<void> {
  const { series, warnings } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'told')],
    range: { startMs: 0, endMs: BASE_MS * 2 },
    limits: { seriesMax: 1_000_000, samplesMax: 1_000_000 },
    signal: new AbortController().signal,
  });
  const numbers = series.map(({ labels, values }) => [Number(labelValue(labels, 'number')), ...values]);
  numbers.sort((a, b) => (a[0] as number) - (b[0] as number));
  for (const warning of warnings) process.stdout.write(`warning ${warning}\n`);
  for (const [number, ...values] of numbers) process.stdout.write(`${number}=${values.join(',')}\n`);
  await engine.close();
}
