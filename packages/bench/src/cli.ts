import { cpus } from 'node:os';
import { backfill } from './backfill.ts';
import { soak } from './soak.ts';
import { STORAGE_ENGINE_HELP, storageEngine } from './storage-engine/command.ts';
import { PEERS, type PeerName, wholePath } from './whole-path.ts';

// npm run bench -- [whole-path] [--series 10000] [--rounds 180] [--rate 10] [--peers tidemark,prometheus,victoria-metrics]
// npm run bench -- backfill [--series 10000] [--rounds 180]
// npm run bench -- soak [--series 100000] [--interval 5] [--minutes 60]
// npm run bench -- storage-engine [--rows bytes,memory] [--series 1000000]

const HELP = `npm run bench -- [whole-path] [--series N] [--rounds N] [--rate N] [--samples-per-request N] [--repeats N]
                              [--seed N] [--peers NAME,NAME]

  whole-path   the same remote_write bodies into Tidemark, Prometheus (PROMETHEUS_BIN, else Debian's) and VictoriaMetrics
               (VICTORIAMETRICS_BIN, else left out), as from a fleet scraped every 10 s, N times as fast as in life:
               CPU-seconds per million samples of the whole process (the first fifth of the rounds told apart as warm-up),
               memory, disk bytes; then a dashboard of twelve queries, each asked so many times: mean CPU and best time

npm run bench -- backfill [--series N] [--rounds N] [--samples-per-request N] [--seed N] [--peers NAME,NAME]

  backfill     the time before now, as fast as it is taken, into one after the other: CPU until all is quiet again

npm run bench -- soak [--series N] [--interval SECONDS] [--minutes N]

  soak         Tidemark alone under a steady load with a dashboard and ten rules: memory, descriptors, lag, minute by minute

${STORAGE_ENGINE_HELP}`;

const DEFAULTS = {
  series: 10_000,
  rounds: 180,
  rate: 20,
  'samples-per-request': 2000,
  repeats: 3,
  seed: 1,
  interval: 5,
  minutes: 60,
};

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return void process.stdout.write(HELP);
  process.stderr.write(`${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}\n`);
  if (args[0] === 'storage-engine') return storageEngine(args.slice(1));
  const numbers: Record<string, number> = { ...DEFAULTS };
  let peers: readonly PeerName[] = PEERS;
  let what = 'whole-path';
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === 'whole-path' || arg === 'soak' || arg === 'backfill') {
      what = arg;
      continue;
    }
    if (arg === '--peers') {
      peers = peersOf(args[++i]);
      continue;
    }
    const name = arg.replace(/^--/, '');
    const value = Number(args[++i]);
    if (!Object.hasOwn(DEFAULTS, name) || !(value > 0)) throw new Error(`I do not know ${arg}\n${HELP}`);
    // At 1 the fast clock and the true one would never meet.
    if (name === 'rate' && value <= 1) throw new Error(`--rate must be above 1, not ${value}`);
    numbers[name] = value;
  }
  const series = numbers['series'] as number;
  const seed = numbers['seed'] as number;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  if (what === 'soak') {
    const intervalMs = (numbers['interval'] as number) * 1000;
    process.stdout.write(await soak({ series, intervalMs, minutes: numbers['minutes'] as number, seed, say }));
    return;
  }
  const rounds = numbers['rounds'] as number;
  const samplesPerRequest = numbers['samples-per-request'] as number;
  if (what === 'backfill') {
    process.stdout.write(await backfill({ series, rounds, samplesPerRequest, seed, peers, say }));
    return;
  }
  process.stdout.write(
    await wholePath({
      series,
      rounds,
      rate: numbers['rate'] as number,
      samplesPerRequest,
      repeats: numbers['repeats'] as number,
      seed,
      peers,
      say,
    }),
  );
}

function peersOf(text = ''): PeerName[] {
  return text.split(',').map((name) => {
    const found = PEERS.find((peer) => peer === name);
    if (found === undefined) throw new Error(`${JSON.stringify(name)} is not one of ${PEERS.join(', ')}`);
    return found;
  });
}

await main(process.argv.slice(2));
