import { type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { matcher, wordsOf } from '@tidemark/model';
import { openStorageEngine, type StorageEngine, type StorageOptions } from '../src/index.ts';
import { SimLevelStores, SimObjectStore } from '../src/sim.ts';
import { KEY, START_MS } from './world.ts';

// An engine of which everything local lies on one simulated disk, its LevelDBs too: what is not synced there may be torn or gone.

export class TornWorld {
  readonly clock = new SimClock(START_MS);
  disk: SimDisk;
  levels: SimLevelStores;
  readonly objects: SimObjectStore;
  options: Partial<StorageOptions> = {};
  engine!: StorageEngine;

  constructor(disk = new SimDisk(), random: Random = seededRandom(1)) {
    this.disk = disk;
    this.levels = new SimLevelStores(disk);
    this.objects = new SimObjectStore(random);
  }

  async open(): Promise<StorageEngine> {
    this.engine = await openStorageEngine({
      disk: this.disk,
      levelStores: this.levels,
      objectStore: this.objects,
      clock: this.clock,
      installationKey: KEY,
      options: this.options,
      metrics: new SelfMetrics(),
    });
    return this.engine;
  }

  crash(seed: number, keep: 'torn' | 'synced' | 'written'): void {
    this.disk = this.disk.crash({ seed, keep });
    this.levels = new SimLevelStores(this.disk);
  }

  /** Files below a folder, sorted. */
  async files(folder = ''): Promise<string[]> {
    const found: string[] = [];
    for (const name of await this.disk.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (name.endsWith('/')) found.push(...(await this.files(path.slice(0, -1))));
      else found.push(path);
    }
    return found;
  }
}

/** Bits of every sample of a tenant, by `labels time`, and the warnings. */
export async function answerOf(engine: StorageEngine, tenant = 'default') {
  const { series, warnings } = await engine.source().select({
    tenant,
    matchers: [matcher('=~', '__name__', '.+')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10_000, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  const points = new Map<string, string>();
  for (const { labels, timestampsMs, values } of series) {
    const words = wordsOf(values);
    for (const [i, time] of timestampsMs.entries()) {
      points.set(`${JSON.stringify(labels)} ${time}`, `${words[i * 2]} ${words[i * 2 + 1]}`);
    }
  }
  return { points, warnings };
}
