import { NoisyFleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { ask, EVERYTHING } from './ask.ts';
import { cpuSeconds } from './costs.ts';
import { store } from './load.ts';
import { type Row, short } from './row.ts';
import { INTERVAL_MS, START_MS, World } from './world.ts';

const ROUNDS = 5;

export const decodeRow: Row = {
  name: 'decode',
  demand: 'decode, sealed blocks -> Float64Array: >= 100 M samples/CPU-s (aim 300 M)',
  async run({ series = 10_000, scrapes = 360, seed, say }) {
    await using folder = await tempFolder('bench-decode');
    const world = await World.open(folder.path);
    const fleet = new NoisyFleet({ seed, series, startMs: START_MS, keepSections: true });
    await store(world, { fleet, scrapes, sealAll: true, say });
    say('  decoding');
    const all = { matchers: EVERYTHING, startMs: START_MS, endMs: START_MS + scrapes * INTERVAL_MS };
    await ask(world.engine, all);
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = cpuSeconds();
      const { samples } = await ask(world.engine, all);
      rates.push(samples / 1e6 / (cpuSeconds() - began));
    }
    await world.engine.close();
    rates.sort((a, b) => a - b);
    return [
      {
        what: `${fleet.series} series, ${scrapes} samples each, selected from segments in memory`,
        figure: `${short(rates[ROUNDS >> 1] as number)} M samples/CPU-s`,
        besides: `a whole select: index, chunks gathered, decoded and handed out; ${ROUNDS} rounds, ${short(rates[0] as number)} to ${short(rates.at(-1) as number)}`,
      },
    ];
  },
};
