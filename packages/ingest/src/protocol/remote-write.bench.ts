import { SnappyDecoder, snappyBlock } from '@tidemark/base';
import { encodeSampleBatch, tenantHash } from '@tidemark/model';
import { hostTemplates, targetLabels } from '@tidemark/testkit';
import { ActiveSeries } from '../admission/active-series.ts';
import { admit, timeBounds } from '../admission/admit.ts';
import { Refusals } from '../admission/refusals.ts';
import { DEFAULT_INGEST_OPTIONS } from '../options.ts';
import { PartitionSplitter } from '../route/partition-records.ts';
import { Routes } from '../route/routes.ts';
import { SeriesDirectory } from '../series/directory.ts';
import { type RequestSeries, writeRequest } from '../testing/write-request.ts';
import { IntakeColumns } from './intake-columns.ts';
import { IntakeExemplars } from './intake-exemplars.ts';
import { IntakeHistograms } from './intake-histograms.ts';
import { RemoteWriteDecoder } from './remote-write.ts';
import { WireLabels } from './wire-labels.ts';

// CPU-seconds per million samples, from the compressed body to batches ready for the log, one sample a series, labels of
// about 250 bytes as a fleet of node exporters has them.
//
//   cold     no series is known yet
//   steady   the same requests again, later: known series, known sections
//   sliding  requests cut elsewhere each time, as a sender's queue does it: known series, new sections
//
//   node -C source packages/ingest/src/protocol/remote-write.bench.ts

export interface BenchOptions {
  readonly hosts: number;
  readonly seriesPerRequest: number;
  /** Requests begin this many series later each pass; 0 is steady. */
  readonly slide: number;
  readonly passes: number;
}

/** CPU-seconds per million samples. */
export interface BenchResult {
  readonly cold: BenchPhases;
  readonly warm: BenchPhases;
  readonly samples: number;
  readonly labelBytes: number;
}

export interface BenchPhases {
  /** Decompress, decode, recognise series, admit. */
  readonly decodeAndAdmit: number;
  /** Split by partition, find or make sections. */
  readonly split: number;
  /** Encode for the log. */
  readonly encode: number;
}

const START_MS = 1_800_000_000_000;
const SCRAPE_MS = 10_000;
const FLEET_LABELS = {
  cluster: 'production-eu-west-1',
  datacenter: 'eu-west-1a-building-3',
  environment: 'production',
  region: 'eu-west-1',
  team: 'platform-infrastructure',
};

export function benchRemoteWrite(options: BenchOptions): BenchResult {
  const series = fleet(options.hosts);
  // All bodies first, so that the garbage of making them is not collected on the product's time.
  const passes = Array.from({ length: options.passes }, (_, pass) => requests(series, options, pass));
  warmUp(passes);
  const run = makeRun();
  const [cold, ...rest] = passes.map((bodies, pass) => run.pass(bodies, START_MS + pass * SCRAPE_MS, series.length));
  // The second and third pass note and keep sections for the first time.
  const warm = rest.slice(Math.min(2, rest.length - 1));
  const labelBytes = series.reduce((sum, { labels }) => sum + labels.flat().join('').length, 0) / series.length;
  return { cold: cold as BenchPhases, warm: median(warm), samples: run.samples(), labelBytes: Math.round(labelBytes) };
}

/** Lets the engine compile, on a directory of its own: cold means series that are not known, not code. */
function warmUp(passes: readonly (readonly Uint8Array[])[]): void {
  const run = makeRun();
  for (const [pass, bodies] of passes.entries()) run.pass(bodies.slice(0, 10), START_MS + pass * SCRAPE_MS, 1);
}

function makeRun() {
  const options = DEFAULT_INGEST_OPTIONS;
  const labels = new WireLabels(options);
  const { partitions, sectionBytesMax } = options;
  const routes = new Routes(partitions);
  const directory = new SeriesDirectory(
    { tenantHash: tenantHash('default'), routes, seed: 1, sectionBytesMax },
    labels,
  );
  const snappy = new SnappyDecoder({ decodedBytesMax: options.decodedBytesMax, keepBytes: 4_194_304 });
  const decoder = new RemoteWriteDecoder(options, labels);
  const columns = new IntakeColumns();
  const exemplars = new IntakeExemplars(options);
  const active = new ActiveSeries(options);
  const splitter = new PartitionSplitter(routes, options.recordBytes);
  const histograms = new IntakeHistograms();
  let samples = 0;
  return {
    samples: () => samples,
    pass(bodies: readonly Uint8Array[], nowMs: number, count: number): BenchPhases {
      const phases = { decodeAndAdmit: 0, split: 0, encode: 0 };
      // CPU time is read twice a body, not twice a phase: it is a system call. The clock says how a body's time divides.
      for (const body of bodies) {
        const cpu = process.cpuUsage();
        const t0 = performance.now();
        columns.reset();
        exemplars.reset();
        histograms.reset();
        active.turn(nowMs);
        const refusals = new Refusals();
        decoder.decode(snappy.decode(body), directory, { columns, exemplars, histograms }, refusals);
        const bounds = timeBounds(nowMs);
        columns.count = admit(columns, directory, bounds, active, options.activeSeriesMax, refusals);
        const t1 = performance.now();
        const records = splitter.split(columns, directory, exemplars.list);
        const t2 = performance.now();
        for (const { series, sampleSeries, timestampsMs, values, exemplars } of records) {
          encodeSampleBatch({
            tenant: 'default',
            admittedAtMs: nowMs,
            series,
            sampleSeries,
            timestampsMs,
            values,
            histograms: undefined,
            exemplars,
            metadata: undefined,
          });
        }
        const t3 = performance.now();
        const { user, system } = process.cpuUsage(cpu);
        const perMs = (user + system) / (t3 - t0);
        phases.decodeAndAdmit += (t1 - t0) * perMs;
        phases.split += (t2 - t1) * perMs;
        phases.encode += (t3 - t2) * perMs;
        samples += columns.count;
        if (refusals.total > 0) throw new Error(`refused: ${JSON.stringify(refusals.list())}`);
      }
      // Microseconds per sample are seconds per million.
      return {
        decodeAndAdmit: phases.decodeAndAdmit / count,
        split: phases.split / count,
        encode: phases.encode / count,
      };
    },
  };
}

function fleet(hosts: number): readonly RequestSeries[] {
  const templates = hostTemplates({ cpus: 4, handlers: 3 });
  return Array.from({ length: hosts }, (_, host) =>
    templates.map((template) => {
      const labels = [
        ...targetLabels(template, host),
        ...Object.entries(FLEET_LABELS).map(([name, value]) => ({ name, value })),
      ];
      return { labels: labels.map(({ name, value }) => [name, value] as const).toSorted(byName), samples: [] };
    }),
  ).flat();
}

function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}

function requests(series: readonly RequestSeries[], options: BenchOptions, pass: number): readonly Uint8Array[] {
  const bodies: Uint8Array[] = [];
  const shift = options.slide * pass;
  for (let from = 0; from < series.length; from += options.seriesPerRequest) {
    const request: RequestSeries[] = [];
    for (let i = from; i < Math.min(from + options.seriesPerRequest, series.length); i++) {
      const one = series[(i + shift) % series.length] as RequestSeries;
      const timestampMs = START_MS + pass * SCRAPE_MS - (i % 1_000);
      request.push({ labels: one.labels, samples: [{ value: i * 1.5 + pass * (i % 7), timestampMs }] });
    }
    bodies.push(snappyBlock(writeRequest(request)));
  }
  return bodies;
}

function median(phases: readonly BenchPhases[]): BenchPhases {
  const middle = (of: (one: BenchPhases) => number) => {
    const sorted = phases.map(of).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] as number;
  };
  return {
    decodeAndAdmit: middle((one) => one.decodeAndAdmit),
    split: middle((one) => one.split),
    encode: middle((one) => one.encode),
  };
}

if (import.meta.main) {
  const show = (phases: BenchPhases) =>
    `decode and admit ${phases.decodeAndAdmit.toFixed(3)}  split ${phases.split.toFixed(3)}  encode ${phases.encode.toFixed(3)}`;
  for (const seriesPerRequest of [500, 2_000]) {
    for (const slide of [0, 37]) {
      const result = benchRemoteWrite({ hosts: 200, seriesPerRequest, slide, passes: 15 });
      process.stdout.write(
        `${seriesPerRequest} series a request, ${result.labelBytes} B of labels, CPU-s per million samples\n` +
          `  cold     ${show(result.cold)}\n  ${slide === 0 ? 'steady ' : 'sliding'}  ${show(result.warm)}\n`,
      );
    }
  }
}
