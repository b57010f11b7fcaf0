import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, nodeDisk, seededRandom } from '@tidemark/base';
import {
  BatchBuilder,
  foldRow,
  labelsOf,
  makeRowColumns,
  matcher,
  ROW_FLOAT_COLUMNS,
  type RowFloatColumn,
} from '@tidemark/model';
import { openStorageEngine } from '../database.ts';
import { openFileObjectStore } from '../object-store/file.ts';

// What rows of minutes cost to read, by the columns that are asked for: CPU milliseconds a million rows, sealed, blocks in memory.
//
//   node -C source packages/storage-engine/src/read/rows.bench.ts [series] [days]
//
// Half the series are counters, half gauges of two decimals, six samples a minute.

const seriesCount = Number(process.argv[2] ?? 300);
const days = Number(process.argv[3] ?? 2);
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const START_MS = 19_700 * DAY;
const ROWS = { topic: 'bench.1m', partition: 0 };

let nowMs = START_MS;
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => performance.now(),
  sleep: () => Promise.resolve(),
  after: () => () => undefined,
};

const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
try {
  await run();
} finally {
  rmSync(folder, { recursive: true });
}

async function run(): Promise<void> {
  const engine = await openStorageEngine({
    disk: nodeDisk(folder),
    folder,
    objectStore: await openFileObjectStore(join(folder, 'objects')),
    clock,
    installationKey: new Uint8Array(32).fill(1),
  });
  const random = seededRandom(1);
  const builder = new BatchBuilder('default');
  for (let s = 0; s < seriesCount; s++) builder.addLabels(labelsOf({ __name__: 'm', series: `${s}` }), 0, 0);
  const { series } = builder.build(0);
  const values = new Float64Array(seriesCount);
  const times = new Float64Array(6);
  const points = new Float64Array(6);
  for (let minute = 1; minute <= days * 1440; minute++) {
    const endMs = START_MS + minute * MINUTE;
    const rows = makeRowColumns(seriesCount);
    for (let s = 0; s < seriesCount; s++) {
      for (let i = 0; i < 6; i++) {
        times[i] = endMs - 50_000 + i * 10_000;
        const step = s % 2 === 0 ? random.below(1000) : Math.round((random.next() - 0.5) * 500) / 100;
        values[s] = Math.round(((values[s] as number) + step) * 100) / 100;
        points[i] = values[s] as number;
      }
      const row = foldRow(times, points, 0, 6);
      rows.series[s] = s;
      rows.endMs[s] = endMs;
      rows.generation[s] = 1;
      rows.offset[s] = minute * 40;
      for (const name of ROW_FLOAT_COLUMNS) rows[name][s] = row?.[name] ?? 0;
    }
    nowMs = endMs;
    engine.applyRows({
      ...ROWS,
      offset: minute,
      batch: { tenant: 'default', resolution: '1m', admittedAtMs: endMs, series, rows },
    });
    if (engine.checkpointDue()) await engine.checkpoint();
  }
  nowMs += 2 * DAY;
  await engine.seal();
  const asked: Record<string, readonly RowFloatColumn[] | undefined> = {
    'all columns': undefined,
    'rate: count first last firstMs lastMs increase': ['count', 'first', 'last', 'firstMs', 'lastMs', 'increase'],
    'avg: count firstMs lastMs sum compensation': ['count', 'firstMs', 'lastMs', 'sum', 'compensation'],
    'max: count firstMs lastMs max': ['count', 'firstMs', 'lastMs', 'max'],
  };
  for (const round of [0, 1, 2]) {
    for (const [what, columns] of Object.entries(asked)) {
      const before = process.cpuUsage();
      let rows = 0;
      for (let i = 0; i < 3; i++) {
        const answer = await engine.source().selectRows({
          tenant: 'default',
          matchers: [matcher('=', '__name__', 'm')],
          range: { startMs: START_MS, endMs: nowMs },
          limits: { seriesMax: 1e6, samplesMax: 1e9 },
          signal: new AbortController().signal,
          resolution: '1m',
          columns,
        });
        rows += answer.series.reduce((sum, one) => sum + one.rows.length, 0);
      }
      const { user, system } = process.cpuUsage(before);
      const ms = (user + system) / 1000 / (rows / 1e6);
      if (round === 2)
        process.stdout.write(`${what.padEnd(48)} ${ms.toFixed(0)} ms per million rows (${rows / 3} rows)\n`);
    }
  }
  await engine.close();
}
