import { cpus } from 'node:os';
import { soak } from './soak.ts';
import { PEERS, type PeerName, wholePath } from './whole-path.ts';

// npm run bench -- [whole-path] [--series 10000] [--rounds 180] [--rate 10] [--peers tidemark,prometheus,victoria-metrics]
// npm run bench -- soak [--series 100000] [--interval 5] [--minutes 60]

const HELP = `npm run bench -- [whole-path] [--series N] [--rounds N] [--rate N] [--samples-per-request N] [--repeats N]
                              [--seed N] [--peers NAME,NAME]

  whole-path   the same remote_write bodies into Tidemark, Prometheus (PROMETHEUS_BIN, else Debian's) and VictoriaMetrics
               (VICTORIAMETRICS_BIN, else left out), as from a fleet scraped every 10 s, N times as fast as in life:
               CPU-seconds per million samples of the whole process (the first fifth of the rounds told apart as warm-up),
               memory, disk bytes; then a dashboard of twelve queries, each asked so many times: mean CPU and best time

npm run bench -- soak [--series N] [--interval SECONDS] [--minutes N]

  soak         Tidemark alone under a steady load with a dashboard and ten rules: memory, descriptors, lag, minute by minute
`;

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
  const numbers: Record<string, number> = { ...DEFAULTS };
  let peers: readonly PeerName[] = PEERS;
  let what = 'whole-path';
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--help') return void process.stdout.write(HELP);
    if (arg === 'whole-path' || arg === 'soak') {
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
  process.stderr.write(`${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}\n`);
  const series = numbers['series'] as number;
  const seed = numbers['seed'] as number;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  if (what === 'soak') {
    const intervalMs = (numbers['interval'] as number) * 1000;
    process.stdout.write(await soak({ series, intervalMs, minutes: numbers['minutes'] as number, seed, say }));
    return;
  }
  process.stdout.write(
    await wholePath({
      series,
      rounds: numbers['rounds'] as number,
      rate: numbers['rate'] as number,
      samplesPerRequest: numbers['samples-per-request'] as number,
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
