import { join } from 'node:path';
import { type ObjectStore, openFileObjectStore } from '@tidemark/storage-engine';
import { NoisyFleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { ask, oneSeries } from './ask.ts';
import { type Row, short } from './row.ts';
import { INTERVAL_MS, START_MS, WINDOW_MS, World } from './world.ts';

const DAY_MS = 24 * 3_600_000;
/** A day starts here. */
const DAY_START_MS = Math.ceil(START_MS / DAY_MS) * DAY_MS;
/** Small parts, so that a day of few series has as many as one of a million series has of the usual 16 MiB. */
const PART_BYTES = 256 * 1024;

export const coldRow: Row = {
  name: 'cold',
  demand: 'cold read of one series, one compacted day, from S3: <= 4 requests (aim 2)',
  async run({ series = 2000, scrapes = 60, seed, say }) {
    await using folder = await tempFolder('bench-cold');
    const inFolder = await openFileObjectStore(join(folder.path, 'objects'));
    const counts = { requests: 0, bytes: 0 };
    const objectStore = counted(inFolder, counts);
    const options = { compactAfterMs: 0, compactBytesMax: PART_BYTES };
    const world = await World.open(folder.path, { objectStore, options, startMs: DAY_START_MS });
    const windows = DAY_MS / WINDOW_MS;
    for (let window = 0; window < windows; window++) {
      const startMs = DAY_START_MS + window * WINDOW_MS;
      // The first scrapes of each window, so that times are those of a day and the work is not.
      const fleet = new NoisyFleet({ seed, series, startMs, keepSections: true });
      for (let scrape = 0; scrape < scrapes; scrape++) {
        world.clock.moveTo(startMs + scrape * INTERVAL_MS);
        for (let host = 0; host < fleet.hosts; host++) world.apply(fleet.batch(host, scrape));
        await world.checkpointIfDue();
      }
      await world.sealThrough(startMs + WINDOW_MS);
      say(`  window ${window + 1} of ${windows}`);
    }
    world.clock.moveTo(DAY_START_MS + DAY_MS + WINDOW_MS);
    const { jobs, failures } = await world.engine.compact();
    if (failures.length > 0) throw new Error(failures.join('; '));
    if (jobs !== 1) throw new Error(`${jobs} compactions instead of one`);
    const parts = world.engine.stats().tiers.raw.segments;
    await world.engine.close();
    const asked: number[] = [];
    let bytes = 0;
    const hosts = Math.ceil(series / 500);
    for (const host of [0, hosts >> 1, hosts - 1]) {
      const reader = await World.open(folder.path, { objectStore, options, startMs: DAY_START_MS + 2 * DAY_MS });
      counts.requests = counts.bytes = 0;
      const { samples } = await ask(reader.engine, {
        matchers: oneSeries(host),
        startMs: DAY_START_MS,
        endMs: DAY_START_MS + DAY_MS,
      });
      if (samples !== windows * scrapes) throw new Error(`${samples} samples instead of ${windows * scrapes}`);
      asked.push(counts.requests);
      bytes = Math.max(bytes, counts.bytes);
      await reader.engine.close();
    }
    return [
      {
        what: `1 of ${hosts * 500} series, ${windows * scrapes} samples, a day of ${parts} part${parts === 1 ? '' : 's'}`,
        figure: `${Math.max(...asked)} requests`,
        besides: `${short(bytes / 1024)} KiB; of the first, middle and last host: ${asked.join(', ')}`,
      },
    ];
  },
};

/** Reads of objects, counted; manifests are read when an engine opens. */
function counted(store: ObjectStore, counts: { requests: number; bytes: number }): ObjectStore {
  return {
    putIfAbsent: (name, content) => store.putIfAbsent(name, content),
    putIfMatches: (name, content, etag) => store.putIfMatches(name, content, etag),
    get: (name) => store.get(name),
    getRange(name, start, length) {
      counts.requests++;
      counts.bytes += length;
      return store.getRange(name, start, length);
    },
    head: (name) => store.head(name),
    list: (below) => store.list(below),
    delete: (name) => store.delete(name),
    deleteAll: (names) => store.deleteAll(names),
    removeUnfinished: () => store.removeUnfinished(),
  };
}
