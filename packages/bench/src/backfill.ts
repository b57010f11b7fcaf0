import { systemClock } from '@tidemark/base';
import { Fleet } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { roundOfBodies } from './load/bodies.ts';
import { closeConnections, send } from './load/send.ts';
import { askApi } from './peer/ask.ts';
import type { Peer } from './peer/peer.ts';
import { cpuSeconds, memoryBytes, peakMemoryBytes } from './peer/process-cost.ts';
import { startPrometheusPeer } from './peer/prometheus.ts';
import { startTidemarkServer } from './peer/tidemark.ts';
import { startVictoriaMetricsPeer } from './peer/victoria-metrics.ts';
import { report } from './report.ts';
import type { PeerName, WholePathOptions } from './whole-path.ts';

// A sender that was cut off catches up: remote_write bodies of the time before now, oldest first, as fast as they are taken, the
// clock being everybody's. CPU until all is quiet again: what was put off (rows made anew, compactions) is paid for as well.
//
//   sent       |== an hour in as long as it takes ==|
//   counted    |== CPU ================================ until nothing is done for a while ==|

export type BackfillOptions = Omit<WholePathOptions, 'rate' | 'repeats'>;

const INTERVAL_MS = 10_000;
/** Less than this much of a core over so long is quiet. */
const QUIET_CORES = 0.05;
const QUIET_MS = 30_000;
const QUIET_TRIES = 20;

const HEAD = ['', 'CPU-s per M samples', 'while sending', 'seconds of sending', 'memory MB', 'peak MB'];

export async function backfill(options: BackfillOptions): Promise<string> {
  const { series, rounds, peers, say } = options;
  const startMs = Math.floor((systemClock.nowMs() - rounds * INTERVAL_MS) / INTERVAL_MS) * INTERVAL_MS;
  const rows: (string | number)[][] = [];
  for (const name of peers) {
    await using folder = await tempFolder('bench');
    await using stack = new AsyncDisposableStack();
    const peer = await startPeer(name, folder.path);
    if (peer === undefined) continue;
    stack.use(peer);
    rows.push(await measure(options, peer, startMs));
    say(`${name}: ${rows.at(-1)}`);
  }
  closeConnections();
  return report(
    `${series} series, ${rounds} samples each of the time before now, as fast as they are taken`,
    HEAD,
    rows,
  );
}

async function startPeer(name: PeerName, folder: string): Promise<Peer | undefined> {
  const command = process.env['VICTORIAMETRICS_BIN'];
  if (name === 'tidemark') return startTidemarkServer(folder, { TIDEMARK_COLLECTOR_SELF: 'false' });
  if (name === 'prometheus') return startPrometheusPeer(folder);
  return command ? startVictoriaMetricsPeer(folder, command) : undefined;
}

async function measure(
  { series, rounds, samplesPerRequest, seed, say }: BackfillOptions,
  peer: Peer,
  startMs: number,
): Promise<(string | number)[]> {
  const fleetOf = (hosts: number) => new Fleet({ seed, hosts, startMs, intervalMs: INTERVAL_MS });
  const hosts = Math.max(2, Math.round(series / fleetOf(1).seriesPerHost));
  const fleet = fleetOf(hosts);
  const { pid } = peer.process;
  const atStart = await cpuSeconds(pid);
  const beganMs = systemClock.monotonicMs();
  let samples = 0;
  for (let round = 0; round < rounds; round++) {
    for (const body of roundOfBodies(fleet, hosts, samplesPerRequest)) {
      await send(peer.url, body);
      samples += body.samples;
    }
    if (round % 30 === 29) say(`${peer.name}: round ${round + 1} of ${rounds}`);
  }
  const sendingMs = systemClock.monotonicMs() - beganMs;
  const sent = await cpuSeconds(pid);
  let before = sent;
  for (let tries = 0; tries < QUIET_TRIES; tries++) {
    await systemClock.sleep(QUIET_MS);
    const now = await cpuSeconds(pid);
    if (now - before < (QUIET_CORES * QUIET_MS) / 1000) break;
    before = now;
  }
  const all = await cpuSeconds(pid);
  const atMs = startMs + rounds * INTERVAL_MS - 1;
  // Of one metric: without their names series of all would be the same.
  const query = `sum(count_over_time(node_load1[${rounds * INTERVAL_MS}ms]))`;
  const found = await askApi(peer, 'query', { query, time: String(atMs / 1000) });
  const counted = Number((found as { result: { value: [number, string] }[] }).result[0]?.value[1]);
  if (counted !== hosts * rounds) throw new Error(`${peer.name} answers ${counted} samples of ${hosts * rounds}`);
  const perMillion = (seconds: number) => (seconds / samples) * 1e6;
  return [
    peer.name,
    perMillion(all - atStart),
    perMillion(sent - atStart),
    sendingMs / 1000,
    (await memoryBytes(pid)) / 1e6,
    (await peakMemoryBytes(pid)) / 1e6,
  ];
}
