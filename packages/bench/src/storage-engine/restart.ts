import { tempFolder } from '@tidemark/testkit/real';
import { runChild } from './child-process.ts';
import { type Row, short } from './row.ts';

interface Restarted {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly openedMs: number;
  readonly replayed: number;
  readonly samples: number;
}

export const restartRow: Row = {
  name: 'restart',
  demand:
    'restart after kill -9 with 1 M active series and 30 M samples in the head until queryable: <= 10 s (aim 4 s)',
  async run({ series = 100_000, scrapes = 30, seed, say }) {
    await using folder = await tempFolder('bench-restart');
    const load = { folder: folder.path, series, scrapes, seed };
    const { samples } = await runChild<{ samples: number }>('store', load, say, true);
    say('  killed; opening');
    const restarted = await runChild<Restarted>('restart', load, say);
    if (restarted.samples !== scrapes) throw new Error(`${restarted.samples} samples instead of ${scrapes}`);
    return [
      {
        what: `${series} series, ${short(samples / 1e6)} M samples, ${scrapes} each`,
        figure: `${(restarted.ms / 1000).toFixed(2)} s, ${restarted.cpuSeconds.toFixed(2)} CPU-s`,
        besides: `opened after ${(restarted.openedMs / 1000).toFixed(2)} s; ${short(restarted.replayed / 1e6)} M samples replayed`,
      },
    ];
  },
};
