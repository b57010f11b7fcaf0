import { NoisyFleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { store } from './load.ts';
import { type Figure, type Row, type RowOptions, short } from './row.ts';
import { START_MS, sealedTotals, World } from './world.ts';

// Bytes of the sealed objects, index and footer included, by the samples in them.

export const bytesRow: Row = {
  name: 'bytes',
  demand: 'sealed bytes/sample with index, noisy data: at 360 samples per series <= 1.1 (aim 0.85)',
  async run(options) {
    const figures: Figure[] = [];
    for (const scrapes of options.scrapes === undefined ? [360, 180] : [options.scrapes]) {
      figures.push(await sealedBytes(options, scrapes));
    }
    return figures;
  },
};

async function sealedBytes({ series = 10_000, seed, say }: RowOptions, scrapes: number): Promise<Figure> {
  await using folder = await tempFolder('bench-bytes');
  const world = await World.open(folder.path);
  // Now and then a host is another: one in a hundred in the hour.
  const fleet = new NoisyFleet({ seed, series, startMs: START_MS, lifeScrapes: 36_000 });
  const { series: sealed, samples, bytes } = sealedTotals(await store(world, { fleet, scrapes, sealAll: true, say }));
  await world.engine.close();
  return {
    what: `${sealed} series, ${short(samples / sealed)} samples each`,
    figure: `${(bytes / samples).toFixed(3)} B/sample`,
    besides: `${short(bytes / sealed)} B a series in all`,
  };
}
