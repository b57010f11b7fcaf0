import { NoisyFleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { type Order, store } from './load.ts';
import { type Figure, type Row, type RowOptions, short } from './row.ts';
import { START_MS, sealedTotals, World } from './world.ts';

// Samples into the head until they are sealed, by CPU second of the whole process. Each is applied, checkpointed and sealed once.

export const appendRow: Row = {
  name: 'append',
  demand: 'append to known series, sealing included: >= 8 M samples/CPU-s (aim 20 M)',
  run: async (options) => [await stored(options, { keepSections: true, scrapes: 360 })],
};

export const batchRow: Row = {
  name: 'batch',
  demand:
    'columnar batch -> head, labels resolved, sealing included: 5 % churn >= 2 M/s (aim 5 M), shuffled >= 1 M/s (aim 2 M)',
  run: async (options) => [
    await stored(options, { lifeScrapes: 20, scrapes: 60 }),
    await stored(options, { order: 'shuffled', scrapes: 60 }),
  ],
};

interface Kind {
  readonly scrapes: number;
  readonly lifeScrapes?: number;
  readonly keepSections?: boolean;
  readonly order?: Order;
}

async function stored(options: RowOptions, kind: Kind): Promise<Figure> {
  const { series = 50_000, scrapes = kind.scrapes, seed, say } = options;
  const { lifeScrapes = Number.POSITIVE_INFINITY, keepSections = false, order = 'as before' } = kind;
  await using folder = await tempFolder('bench-append');
  const world = await World.open(folder.path);
  const fleet = new NoisyFleet({ seed, series, startMs: START_MS, lifeScrapes, keepSections });
  const sealed = sealedTotals(await store(world, { fleet, scrapes, order, sealAll: true, say }));
  world.costs.end();
  await world.engine.close();
  if (sealed.samples !== world.samples) throw new Error(`${sealed.samples} of ${world.samples} samples were sealed`);
  const costs = world.costs.read();
  const millions = world.samples / 1e6;
  const share = (name: string, seconds: number) => `${name} ${(seconds / millions).toFixed(3)}`;
  const order_ = keepSections ? 'sections known' : order === 'shuffled' ? 'shuffled' : 'in order, sections unknown';
  return {
    what: `${sealed.series} series, ${short(sealed.samples / sealed.series)} samples each, ${order_}`,
    figure: `${(millions / costs.total).toFixed(2)} M samples/CPU-s`,
    besides: `CPU-s per million: ${[
      share('apply', costs.apply),
      share('checkpoint', costs.checkpoint),
      share('seal', costs.seal),
      share('others', costs.others),
    ].join(', ')}`,
  };
}
