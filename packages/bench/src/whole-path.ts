import { systemClock } from '@tidemark/base';
import { Fleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { type Body, roundOfBodies } from './load/bodies.ts';
import { closeConnections, send } from './load/send.ts';
import { type Peer, startPrometheusPeer, startTidemarkPeer } from './peer/peer.ts';
import { cpuSeconds, folderBytes, peakMemoryBytes } from './peer/process-cost.ts';
import { report } from './report.ts';

// The whole path: the same remote_write bodies, one after the other, into Tidemark and into Prometheus; then the same
// queries. CPU is the whole process's, from /proc.
//
//   rounds   |-- first fifth --|------------------------------------|-- on disk --|  queries x 3  |
//            new series,       taking in: CPU-s per M samples                     CPU-s of them all
//            code that is not
//            compiled yet      peak memory here --------------------------------->|  and here ---->|
//
// What a process does once (meeting its series, compiling its code) would be most of a short run: it is told apart.

export interface WholePathOptions {
  readonly series: number;
  /** Scrapes of every series, 10 s apart. */
  readonly rounds: number;
  readonly samplesPerRequest: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** Of all rounds, the part that is told apart as warming up. */
const WARM_UP = 0.2;

interface Cost {
  readonly peer: Peer;
  samples: number;
  readonly atStart: Moment;
  /** When warm-up was over. */
  warm: Moment;
  queriesCpu: number;
}

interface Moment {
  readonly samples: number;
  readonly cpu: number;
}

const QUERIES = [
  'sum(rate(node_cpu_seconds_total{mode!="idle"}[1m])) by (instance)',
  'topk(5, node_load1)',
  'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))',
  'count({job="node"})',
];

const QUERY_REPEATS = 3;

export async function wholePath(options: WholePathOptions): Promise<string> {
  const { say } = options;
  const intervalMs = 10_000;
  const startMs = systemClock.nowMs() - options.rounds * intervalMs;
  const fleetOf = (hosts: number) => new Fleet({ seed: options.seed, hosts, startMs, intervalMs });
  const hosts = Math.max(1, Math.round(options.series / fleetOf(1).seriesPerHost));
  const fleet = fleetOf(hosts);
  await using folder = await tempFolder('bench');
  await using tidemark = await startTidemarkPeer(folder.path);
  await using prometheus = await startPrometheusPeer(folder.path);
  const costs: Cost[] = [];
  for (const peer of [tidemark, prometheus]) {
    const atStart = { samples: 0, cpu: await cpuSeconds(peer.process.pid) };
    costs.push({ peer, samples: 0, atStart, warm: atStart, queriesCpu: 0 });
  }
  const warmRounds = Math.floor(options.rounds * WARM_UP);
  for (let round = 0; round < options.rounds; round++) {
    if (round === warmRounds) for (const cost of costs) cost.warm = await momentOf(cost);
    for (const body of roundOfBodies(fleet, hosts, options.samplesPerRequest)) await toEach(costs, body);
    say(`round ${round + 1} of ${options.rounds}: ${costs[0]?.samples} samples sent`);
  }
  const endMs = startMs + options.rounds * intervalMs;
  const figures = [];
  for (const cost of costs) figures.push(await measure(cost, fleet.series.length, endMs));
  const memory = await Promise.all(costs.map(({ peer }) => peakMemoryBytes(peer.process.pid)));
  const queries = [];
  for (const query of QUERIES) queries.push([`\`${query}\``, ...(await timings(costs, query, startMs, endMs))]);
  closeConnections();
  const names = costs.map(({ peer }) => peer.name);
  const rows = [];
  for (const [i, { peer, queriesCpu }] of costs.entries()) {
    const peak = await peakMemoryBytes(peer.process.pid);
    rows.push([peer.name, ...(figures[i] as number[]), (memory[i] as number) / 1e6, queriesCpu, peak / 1e6]);
  }
  return [
    report(
      `${fleet.series.length} series, ${options.rounds} samples each, ${options.samplesPerRequest} samples a request`,
      [
        '',
        'CPU-s per M samples, warm',
        `in the first ${warmRounds} of ${options.rounds} rounds`,
        'disk B per sample',
        'peak memory MB',
        'CPU-s of the queries below',
        'peak memory MB with them',
      ],
      rows,
    ),
    report(`range queries over all of it, step 10 s: milliseconds, best of ${QUERY_REPEATS}`, ['', ...names], queries),
  ].join('\n');
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

/** Puts all on disk, and asks whether it is there. CPU when warm, CPU before, disk. */
async function measure(cost: Cost, series: number, endMs: number): Promise<number[]> {
  const { peer, samples } = cost;
  await peer.settle();
  const settled = await momentOf(cost);
  const found = await ask(peer, 'query', { query: 'count({job="node"})', time: String(endMs / 1000) });
  const counted = Number((found as { result: { value: [number, string] }[] }).result[0]?.value[1]);
  if (counted !== series) throw new Error(`${peer.name} answers ${counted} series of ${series}`);
  const disk = await folderBytes(peer.dataFolder);
  return [perMillion(cost.warm, settled), perMillion(cost.atStart, cost.warm), disk / samples];
}

async function timings(costs: readonly Cost[], query: string, startMs: number, endMs: number): Promise<number[]> {
  const best = costs.map(() => Number.POSITIVE_INFINITY);
  for (let again = 0; again < QUERY_REPEATS; again++) {
    for (const [i, cost] of costs.entries()) {
      const { cpu } = await momentOf(cost);
      const began = systemClock.monotonicMs();
      await ask(cost.peer, 'query_range', {
        query,
        start: String(startMs / 1000),
        end: String(endMs / 1000),
        step: '10',
      });
      best[i] = Math.min(best[i] as number, systemClock.monotonicMs() - began);
      cost.queriesCpu += (await momentOf(cost)).cpu - cpu;
    }
  }
  return best;
}

async function ask(peer: Peer, path: string, params: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${peer.url}/api/v1/${path}?${new URLSearchParams(params)}`, {
    headers: { 'x-read-consistency': 'strong' },
  });
  const body = (await response.json()) as { status: string; data: unknown };
  if (body.status !== 'success') throw new Error(`${peer.name}: ${JSON.stringify(body)}`);
  return body.data;
}
