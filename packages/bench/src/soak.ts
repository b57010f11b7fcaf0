import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@tidemark/base';
import { Fleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { DASHBOARD } from './dashboard.ts';
import { roundOfBodies } from './load/bodies.ts';
import { closeConnections, send } from './load/send.ts';
import { askPanel } from './peer/ask.ts';
import type { Peer } from './peer/peer.ts';
import { anonymousBytes, cpuSeconds, memoryBytes } from './peer/process-cost.ts';
import { startTidemarkServer } from './peer/tidemark.ts';
import { report } from './report.ts';

// `npm start` under a steady load, at the speed of life: a fleet scraped every few seconds, a dashboard that refreshes, ten
// rules. What should stay flat is read every minute.
//
//   minute   0 ──────────────────────────────────────────────▶ N
//            samples, every interval      dashboard, every 30 s      rules, every 15 s
//            memory, descriptors, lag, journal, folder: a row a minute; in the end the first third beside the last
//
// A round that is over before the sender comes to it is left out, as a scraper leaves it out. Sent late it would be another
// load: five minutes behind, every sample is past the rollup's grace, and every row is made twice, from raw.

export interface SoakOptions {
  readonly series: number;
  readonly intervalMs: number;
  readonly minutes: number;
  readonly seed: number;
  /** How often what should stay flat is read. Default: every minute. */
  readonly readEveryMs?: number;
  readonly say: (line: string) => void;
}

const DASHBOARD_EVERY_MS = 30_000;
const MINUTE_MS = 60_000;

interface Reading {
  readonly minute: number;
  readonly memoryMb: number;
  /** Without pages of mapped files. */
  readonly anonymousMb: number;
  readonly heapMb: number;
  /** Typed arrays, outside of the heap. */
  readonly buffersMb: number;
  readonly descriptors: number;
  readonly cores: number;
  readonly rollupLag: number;
  readonly storeLag: number;
  readonly journalMb: number;
  readonly dashboardMs: number;
  readonly samples: number;
  /** Rounds the sender was too late for. */
  readonly roundsLeftOut: number;
  /** Hours of a metric made anew from raw samples: none, unless samples come later than grace. */
  readonly repairs: number;
}

const RULES = `groups:
- name: soak
  interval: 15s
  rules:
  - { record: "instance:cpu:rate1m", expr: 'sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))' }
  - { record: "job:up:sum", expr: 'sum by (job) (up)' }
  - { record: "handler:latency:p99", expr: 'histogram_quantile(0.99, sum by (le, handler) (rate(http_request_duration_seconds_bucket[1m])))' }
  - { record: "job:load1:avg", expr: 'avg(node_load1)' }
  - { record: "job:receive:rate1m", expr: 'sum(rate(node_network_receive_bytes_total[1m]))' }
  - { alert: BusyHost, expr: 'instance:cpu:rate1m > 0.9 * 4', for: 1m, labels: { severity: page } }
  - { alert: LoadHigh, expr: 'node_load1 > 0.95', annotations: { summary: "load of {{ $labels.instance }} is {{ $value }}" } }
  - { alert: DiskFull, expr: 'node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.05', for: 5m }
  - { alert: Down, expr: 'up == 0', for: 1m }
  - { alert: NoHosts, expr: 'absent(up{job="node"})' }
`;

export async function soak(options: SoakOptions): Promise<string> {
  const { series, intervalMs, minutes, seed, say } = options;
  await using folder = await tempFolder('soak');
  const rules = join(folder.path, 'rules.yml');
  await writeFile(rules, RULES);
  await using peer = await startTidemarkServer(folder.path, { TIDEMARK_RULES_FILES: rules });
  // The load begins when the server is there: a slow start must not put it behind.
  const startMs = systemClock.nowMs();
  const fleetOf = (hosts: number) => new Fleet({ seed, hosts, startMs, intervalMs });
  const hosts = Math.max(2, Math.round(series / fleetOf(1).seriesPerHost));
  const fleet = fleetOf(hosts);
  const soaked = new Soak(peer, options.readEveryMs ?? MINUTE_MS, say);
  const endMs = startMs + minutes * MINUTE_MS;
  const stop = new AbortController();
  const beside = [soaked.refreshDashboard(stop.signal), soaked.readEveryMinute(stop.signal)];
  // A sender that cannot keep up ends in time all the same: the samples of a reading say so.
  for (let round = 0; startMs + round * intervalMs < endMs && systemClock.nowMs() < endMs; round++) {
    const early = startMs + (round + 1) * intervalMs - systemClock.nowMs();
    if (early > 0) await systemClock.sleep(early);
    if (early < -intervalMs) {
      for (let host = 0; host < hosts; host++) fleet.next();
      soaked.roundsLeftOut++;
      continue;
    }
    for (const body of roundOfBodies(fleet, hosts, 2000)) {
      await send(peer.url, body);
      soaked.samples += body.samples;
    }
  }
  stop.abort();
  await Promise.all(beside);
  closeConnections();
  return soaked.table(
    `${fleet.series.length} series every ${intervalMs / 1000} s for ${minutes} min, twelve panels every ${DASHBOARD_EVERY_MS / 1000} s, ten rules every 15 s`,
  );
}

class Soak {
  samples = 0;
  roundsLeftOut = 0;
  readonly #peer: Peer;
  readonly #everyMs: number;
  readonly #say: (line: string) => void;
  readonly #readings: Reading[] = [];
  #dashboardMs = 0;

  constructor(peer: Peer, everyMs: number, say: (line: string) => void) {
    this.#peer = peer;
    this.#everyMs = everyMs;
    this.#say = say;
  }

  async refreshDashboard(stop: AbortSignal): Promise<void> {
    while (await slept(DASHBOARD_EVERY_MS, stop)) {
      const began = systemClock.monotonicMs();
      const nowMs = systemClock.nowMs();
      await Promise.all(DASHBOARD.map((panel) => askPanel(this.#peer, panel, nowMs)));
      this.#dashboardMs = systemClock.monotonicMs() - began;
    }
  }

  async readEveryMinute(stop: AbortSignal): Promise<void> {
    const { pid } = this.#peer.process;
    let before = { samples: 0, cpu: await cpuSeconds(pid), roundsLeftOut: 0, repairs: 0 };
    for (let minute = 1; await slept(this.#everyMs, stop); minute++) {
      const cpu = await cpuSeconds(pid);
      const own = await (await fetch(`${this.#peer.url}/metrics`)).text();
      const repairs = sumOf(own, 'tidemark_repair_done_total');
      const reading: Reading = {
        minute,
        memoryMb: (await memoryBytes(pid)) / 1e6,
        anonymousMb: (await anonymousBytes(pid)) / 1e6,
        heapMb: sumOf(own, 'process_heap_bytes') / 1e6,
        buffersMb: sumOf(own, 'process_array_buffer_bytes') / 1e6,
        descriptors: (await readdir(`/proc/${pid}/fd`)).length,
        cores: (cpu - before.cpu) / (this.#everyMs / 1000),
        rollupLag: sumOf(own, 'tidemark_rollup_lag_records'),
        storeLag: await this.#storeLag(),
        journalMb: sumOf(own, 'tidemark_log_journal_bytes') / 1e6,
        dashboardMs: this.#dashboardMs,
        samples: this.samples - before.samples,
        roundsLeftOut: this.roundsLeftOut - before.roundsLeftOut,
        repairs: repairs - before.repairs,
      };
      before = { samples: this.samples, cpu, roundsLeftOut: this.roundsLeftOut, repairs };
      this.#readings.push(reading);
      this.#say(JSON.stringify(reading));
    }
  }

  /** Records of the log that storage has not applied yet. */
  async #storeLag(): Promise<number> {
    const response = await fetch(`${this.#peer.url}/api/v1/status/storage`);
    const { data } = (await response.json()) as { data: { partitions: { lag: number }[] } };
    return data.partitions.reduce((sum, { lag }) => sum + lag, 0);
  }

  /** Means of the first, middle and last third of the time, without the first five minutes: caches fill then. */
  table(title: string): string {
    const usual = this.#readings.slice(Math.min(5, this.#readings.length >> 2));
    const third = Math.max(1, Math.floor(usual.length / 3));
    const parts = [usual.slice(0, third), usual.slice(third, 2 * third), usual.slice(-third)];
    const names = [
      'memoryMb',
      'anonymousMb',
      'heapMb',
      'buffersMb',
      'descriptors',
      'cores',
      'rollupLag',
      'storeLag',
      'journalMb',
      'dashboardMs',
      'samples',
      'roundsLeftOut',
      'repairs',
    ] as const;
    const mean = (part: readonly Reading[], name: (typeof names)[number]) =>
      part.reduce((sum, reading) => sum + reading[name], 0) / part.length;
    return report(
      title,
      ['', 'first third', 'second', 'last', 'most'],
      names.map((name) => [
        name,
        ...parts.map((part) => mean(part, name)),
        Math.max(...this.#readings.map((reading) => reading[name])),
      ]),
    );
  }
}

async function slept(ms: number, stop: AbortSignal): Promise<boolean> {
  try {
    await systemClock.sleep(ms, stop);
    return true;
  } catch {
    return false; // told to stop
  }
}

/** The sum of a metric over its labels, from exposition text. */
function sumOf(text: string, metric: string): number {
  let sum = 0;
  for (const [, value] of text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))) sum += Number(value);
  return sum;
}
