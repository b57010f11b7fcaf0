import { BatchBuilder, labelValue, METRIC_NAME } from '@tidemark/model';
import { recordedHost } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { type Figure, type Row, short } from './row.ts';
import { START_MS, sealedTotals, TENANT, WINDOW_MS, World } from './world.ts';

// One real host for an hour, as it was; its hour begins with a window. Told apart: what /proc and /sys say of the host, and with it
// what the exporter says of itself, most of which is how many nanoseconds each of its collectors took.

export const recordedRow: Row = {
  name: 'recorded',
  demand: 'sealed bytes/sample with index, recorded metrics of a host: <= 0.45 (aim 0.30)',
  run: async () => [await sealed('of the host', isOfHost), await sealed('and of its exporter', () => true)],
};

function isOfHost(name: string): boolean {
  return name.startsWith('node_') && !name.startsWith('node_scrape_') && !name.startsWith('node_exporter_');
}

async function sealed(what: string, wanted: (name: string) => boolean): Promise<Figure> {
  const recorded = recordedHost();
  const { timesMs } = recorded;
  const series = recorded.series.filter(({ labels }) => wanted(labelValue(labels, METRIC_NAME)));
  await using folder = await tempFolder('bench-recorded');
  const world = await World.open(folder.path);
  for (const [scrape, atMs] of timesMs.entries()) {
    const nowMs = START_MS + atMs - (timesMs[0] as number);
    world.clock.moveTo(nowMs);
    const batch = new BatchBuilder(TENANT);
    for (const { labels, values } of series) {
      const value = values[scrape];
      if (value !== undefined) batch.addLabels(labels, nowMs, value);
    }
    world.apply(batch.build(nowMs));
    await world.checkpointIfDue();
  }
  const totals = sealedTotals([await world.sealThrough(START_MS + WINDOW_MS)]);
  await world.engine.close();
  return {
    what: `${totals.series} series ${what}, ${short(totals.samples / totals.series)} samples each`,
    figure: `${(totals.bytes / totals.samples).toFixed(3)} B/sample`,
    besides: `${short(totals.bytes / totals.series)} B a series in all`,
  };
}
