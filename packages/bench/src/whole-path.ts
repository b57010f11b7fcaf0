import { systemClock } from '@tidemark/base';
import { Fleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { DASHBOARD, type Panel } from './dashboard.ts';
import { type Body, roundOfBodies } from './load/bodies.ts';
import { type Pace, paceOf } from './load/pace.ts';
import { closeConnections, send } from './load/send.ts';
import { askApi, askPanel } from './peer/ask.ts';
import type { DiskUse, Peer } from './peer/peer.ts';
import { cpuSeconds, memoryBytes, peakMemoryBytes } from './peer/process-cost.ts';
import { startPrometheusPeer } from './peer/prometheus.ts';
import { startTidemarkPeer } from './peer/tidemark.ts';
import { startVictoriaMetricsPeer } from './peer/victoria-metrics.ts';
import { report } from './report.ts';

// The whole path: the same remote_write bodies, one after the other, into Tidemark and its peers, at the pace of a fleet that
// is scraped every ten seconds (load/pace.ts); then the same dashboard. CPU is the whole process's, from /proc.
//
//   rounds   |-- first fifth --|------------------------------------|-- on disk --|  panels x 3  |
//            new series,       taking in: CPU-s per M samples                     CPU-s of each
//            code that is not
//            compiled yet      memory in the last fifth; its peak
//
// What a process does once (meeting its series, compiling its code) would be most of a short run: it is told apart.

export interface WholePathOptions {
  readonly series: number;
  /** Scrapes of every series, 10 s apart. */
  readonly rounds: number;
  /** How many times as fast as in life. */
  readonly rate: number;
  readonly samplesPerRequest: number;
  /** How often each query is asked. */
  readonly repeats: number;
  readonly seed: number;
  readonly peers: readonly PeerName[];
  readonly say: (line: string) => void;
}

export const PEERS = ['tidemark', 'prometheus', 'victoria-metrics'] as const;
export type PeerName = (typeof PEERS)[number];

const INTERVAL_MS = 10_000;
/** Of all rounds, the part that is told apart as warming up. */
const WARM_UP = 0.2;
/** Machine time that starting takes. */
const LEAD_MS = 6000;

interface Cost {
  readonly peer: Peer;
  samples: number;
  readonly atStart: Moment;
  /** When warm-up was over. */
  warm: Moment;
  /** Resident memory after each of the last rounds, bytes. */
  readonly memory: number[];
}

interface Moment {
  readonly samples: number;
  readonly cpu: number;
}

export async function wholePath(options: WholePathOptions): Promise<string> {
  const { series, rounds, seed, samplesPerRequest } = options;
  const pace = paceOf({ rounds, intervalMs: INTERVAL_MS, rate: options.rate, leadMs: LEAD_MS });
  const fleetOf = (hosts: number) => new Fleet({ seed, hosts, startMs: pace.startMs, intervalMs: INTERVAL_MS });
  const hosts = Math.max(2, Math.round(series / fleetOf(1).seriesPerHost));
  const fleet = fleetOf(hosts);
  await using folder = await tempFolder('bench');
  await using peers = new AsyncDisposableStack();
  const costs: Cost[] = [];
  for (const name of options.peers) {
    const peer = await startPeer(name, folder.path, pace);
    if (peer === undefined) continue;
    peers.use(peer);
    const atStart = { samples: 0, cpu: await cpuSeconds(peer.process.pid) };
    costs.push({ peer, samples: 0, atStart, warm: atStart, memory: [] });
  }
  const behindMs = await load(options, pace, costs, (samples) => roundOfBodies(fleet, hosts, samples));
  const figures = [];
  for (const cost of costs) figures.push(await measure(cost, fleet.series.length, pace.endMs));
  const panels = await dashboard(costs, pace.endMs, options.repeats);
  closeConnections();
  const title = `${fleet.series.length} series, ${rounds} samples each, ${samplesPerRequest} samples a request, ${options.rate} times as fast as in life (at most ${Math.round(behindMs / 1000)} s behind)`;
  return `${report(title, COST_HEAD, figures)}\n${report(`the dashboard: CPU ms per query, and best time of ${options.repeats} in ms`, ['', ...costs.flatMap(({ peer }) => [`${peer.name} CPU`, 'time'])], panels)}`;
}

const COST_HEAD = [
  '',
  'CPU-s per M samples, warm',
  'in the first fifth',
  'sealed B per sample',
  'whole folder B per sample',
  'memory MB',
  'peak MB',
  'memory B per series',
];

async function startPeer(name: PeerName, folder: string, pace: Pace): Promise<Peer | undefined> {
  switch (name) {
    case 'tidemark':
      return startTidemarkPeer(folder, pace);
    case 'prometheus':
      return startPrometheusPeer(folder);
    case 'victoria-metrics': {
      const command = process.env['VICTORIAMETRICS_BIN'];
      return command ? startVictoriaMetricsPeer(folder, command) : undefined;
    }
  }
}

/** Every round when it is due. Returns how far behind the load was at worst, ms of its time. */
async function load(
  { rounds, samplesPerRequest, say }: WholePathOptions,
  pace: Pace,
  costs: readonly Cost[],
  bodiesOf: (samplesPerRequest: number) => Iterable<Body>,
): Promise<number> {
  const warmRounds = Math.floor(rounds * WARM_UP);
  let behindMs = 0;
  for (let round = 0; round < rounds; round++) {
    // Made before they are due: making them takes as long as taking them in, and a fleet does not send late.
    const bodies = [...bodiesOf(samplesPerRequest)];
    behindMs = Math.max(behindMs, await pace.until(pace.startMs + (round + 1) * INTERVAL_MS));
    if (round === warmRounds) for (const cost of costs) cost.warm = await momentOf(cost);
    for (const body of bodies) await toEach(costs, body);
    if (round >= rounds - warmRounds - 1)
      for (const cost of costs) cost.memory.push(await memoryBytes(cost.peer.process.pid));
    say(`round ${round + 1} of ${rounds}: ${costs[0]?.samples} samples sent`);
  }
  return behindMs;
}

/** The same body to each, in turn, so that a slow moment of the machine meets all. */
async function toEach(costs: readonly Cost[], body: Body): Promise<void> {
  for (const cost of costs) {
    await send(cost.peer.url, body);
    cost.samples += body.samples;
  }
}

async function momentOf(cost: Cost): Promise<Moment> {
  return { samples: cost.samples, cpu: await cpuSeconds(cost.peer.process.pid) };
}

/** CPU-seconds per million samples between two moments; not a number where none came between. */
function perMillion(from: Moment, to: Moment): number {
  return ((to.cpu - from.cpu) / (to.samples - from.samples)) * 1e6;
}

/** Puts all on disk, and asks whether it is there: the row of COST_HEAD. */
async function measure(cost: Cost, series: number, endMs: number): Promise<(string | number)[]> {
  const { peer, samples, memory } = cost;
  const peak = await peakMemoryBytes(peer.process.pid);
  const disk: DiskUse = await peer.settle();
  const settled = await momentOf(cost);
  const found = await askApi(peer, 'query', { query: 'count({job="node"})', time: String(endMs / 1000) });
  const counted = Number((found as { result: { value: [number, string] }[] }).result[0]?.value[1]);
  if (counted !== series) throw new Error(`${peer.name} answers ${counted} series of ${series}`);
  const usual = memory.toSorted((a, b) => a - b)[memory.length >> 1] as number;
  return [
    peer.name,
    perMillion(cost.warm, settled),
    perMillion(cost.atStart, cost.warm),
    disk.sealedBytes / samples,
    disk.wholeBytes / samples,
    usual / 1e6,
    peak / 1e6,
    Math.round(usual / series),
  ];
}

/** A row per panel: CPU ms per query and best time of each peer; at the end the sum. */
async function dashboard(costs: readonly Cost[], endMs: number, repeats: number): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  const sums = costs.map(() => [0, 0] as [number, number]);
  for (const panel of DASHBOARD) {
    const cells: number[] = [];
    for (const [i, { peer }] of costs.entries()) {
      const [cpuMs, bestMs] = await timed(peer, panel, endMs, repeats);
      (sums[i] as number[])[0] = (sums[i]?.[0] as number) + cpuMs;
      (sums[i] as number[])[1] = (sums[i]?.[1] as number) + bestMs;
      cells.push(cpuMs, bestMs);
    }
    rows.push([`\`${panel.query}\`${panel.rangeMs === 0 ? '' : ` over ${panel.rangeMs / 60_000} min`}`, ...cells]);
  }
  return [...rows, ['**all twelve**', ...sums.flat()]];
}

async function timed(peer: Peer, panel: Panel, endMs: number, repeats: number): Promise<[number, number]> {
  let bestMs = Number.POSITIVE_INFINITY;
  const cpuBefore = await cpuSeconds(peer.process.pid);
  for (let again = 0; again < repeats; again++) {
    const began = systemClock.monotonicMs();
    await askPanel(peer, panel, endMs);
    bestMs = Math.min(bestMs, systemClock.monotonicMs() - began);
  }
  return [(((await cpuSeconds(peer.process.pid)) - cpuBefore) / repeats) * 1000, bestMs];
}
