import { NoisyFleet, SERIES_PER_HOST } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { ask, oneSeries } from './ask.ts';
import { store } from './load.ts';
import { type Row, short } from './row.ts';
import { INTERVAL_MS, START_MS, World } from './world.ts';

const ASKED = 2000;
const WARM_UP = 500;

export const selectRow: Row = {
  name: 'select',
  demand: 'select 1 of N series by two matchers, last hour, warm: p99 <= 2 ms (aim 0.5 ms)',
  async run({ series = 100_000, scrapes = 150, seed, say }) {
    await using folder = await tempFolder('bench-select');
    const world = await World.open(folder.path);
    const fleet = new NoisyFleet({ seed, series, startMs: START_MS, keepSections: true });
    await store(world, { fleet, scrapes, sealAll: false, say });
    await world.engine.checkpoint();
    say('  asking');
    const endMs = START_MS + scrapes * INTERVAL_MS;
    const took: number[] = [];
    for (let i = 0; i < WARM_UP + ASKED; i++) {
      const beganMs = performance.now();
      // Sixteen hosts in turn: what they have lies in caches, as what a dashboard shows does.
      const matchers = oneSeries(((i % 16) * Math.max(1, Math.floor(fleet.hosts / 16))) % fleet.hosts);
      const answer = await ask(world.engine, { matchers, startMs: endMs - 3_600_000, endMs });
      if (i >= WARM_UP) took.push(performance.now() - beganMs);
      if (answer.series !== 1) throw new Error(`${answer.series} series instead of one`);
    }
    await world.engine.close();
    took.sort((a, b) => a - b);
    const at = (share: number) => (took[Math.floor(took.length * share)] as number).toFixed(2);
    return [
      {
        what: `1 of ${fleet.hosts * SERIES_PER_HOST} series, ${scrapes} samples, ${ASKED} times`,
        figure: `p99 ${at(0.99)} ms`,
        besides: `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${short(took.at(-1) as number)} ms`,
      },
    ];
  },
};
