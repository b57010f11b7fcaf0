import type { SampleBatch } from '@tidemark/model';
import type { SealReport } from '@tidemark/storage-engine';
import type { NoisyFleet } from '@tidemark/testkit';
import { everySome, type RowOptions } from './row.ts';
import { INTERVAL_MS, START_MS, WINDOW_MS, type World } from './world.ts';

// Scrapes into an engine, checkpoints and seals as a storer would have them, input made outside of the measured time.

export type Order = 'as before' | 'shuffled';

export interface Load {
  readonly fleet: NoisyFleet;
  readonly from?: number;
  readonly scrapes: number;
  readonly order?: Order;
  /** Also what is not over in the end. */
  readonly sealAll: boolean;
  readonly say: RowOptions['say'];
}

export async function store(world: World, load: Load): Promise<SealReport[]> {
  const { fleet, from = 0, scrapes, order = 'as before', sealAll, say } = load;
  const progress = everySome(say, 'scrape', from + scrapes);
  const reports: SealReport[] = [];
  let sealedMs = START_MS;
  for (let scrape = from; scrape < from + scrapes; scrape++) {
    const nowMs = START_MS + scrape * INTERVAL_MS;
    world.clock.moveTo(nowMs);
    for (const batch of batchesOf(world, fleet, scrape, order)) world.apply(batch);
    await world.checkpointIfDue();
    if (nowMs - sealedMs >= WINDOW_MS + 15 * 60_000) {
      sealedMs += WINDOW_MS;
      reports.push(await world.sealThrough(sealedMs));
    }
    progress(scrape);
  }
  if (sealAll) {
    say('  sealing');
    reports.push(await world.sealThrough(START_MS + (from + scrapes) * INTERVAL_MS + WINDOW_MS));
  }
  return reports;
}

function* batchesOf(world: World, fleet: NoisyFleet, scrape: number, order: Order): Generator<SampleBatch> {
  if (order === 'as before') {
    for (let host = 0; host < fleet.hosts; host++) yield world.costs.generate(() => fleet.batch(host, scrape));
    return;
  }
  const batches = fleet.shuffled(scrape);
  for (;;) {
    const next = world.costs.generate(() => batches.next());
    if (next.done) return;
    yield next.value;
  }
}
