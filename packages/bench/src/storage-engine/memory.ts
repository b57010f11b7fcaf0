import { tempFolder } from '@tidemark/testkit/real';
import { runChild } from './child-process.ts';
import { type Row, short } from './row.ts';

interface Memory {
  readonly before: number;
  readonly after: number;
  readonly peak: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

export const memoryRow: Row = {
  name: 'memory',
  demand: 'memory per active series, all in, 1 M series of 8 labels, RSS: <= 800 B (aim 400 B)',
  async run({ series = 100_000, scrapes = 200, seed, say }) {
    await using folder = await tempFolder('bench-memory');
    const memory = await runChild<Memory>('memory', { folder: folder.path, series, scrapes, seed }, say);
    const perSeries = (bytes: number) => short(bytes / series);
    return [
      {
        what: `${series} series, ${scrapes} samples each, a process of its own`,
        figure: `peak ${perSeries(memory.peak)} B, at the end ${perSeries(memory.after)} B a series`,
        besides: `the process before the first sample apart: peak ${perSeries(memory.peak - memory.before)} B, at the end ${perSeries(memory.after - memory.before)} B; of that typed arrays ${perSeries(memory.arrayBuffers)} B, heap ${perSeries(memory.heapUsed)} B`,
      },
    ];
  },
};
