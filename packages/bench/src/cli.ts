import { cpus } from 'node:os';
import { wholePath } from './whole-path.ts';

// npm run bench -- [whole-path] [--series 10000] [--rounds 30] [--samples-per-request 2000] [--seed 1]

const HELP = `npm run bench -- [whole-path] [--series N] [--rounds N] [--samples-per-request N] [--seed N]

  whole-path   the same remote_write bodies into Tidemark and Prometheus (PROMETHEUS_BIN, else Debian's): CPU-seconds per
               million samples of the whole process (the first fifth of the rounds told apart as warm-up), peak memory, disk
               bytes; then queries, their time and CPU
`;

const DEFAULTS = { series: 10_000, rounds: 30, 'samples-per-request': 2000, seed: 1 };

async function main(args: readonly string[]): Promise<void> {
  const numbers: Record<string, number> = { ...DEFAULTS };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--help') return void process.stdout.write(HELP);
    if (arg === 'whole-path') continue;
    const name = arg.replace(/^--/, '');
    const value = Number(args[++i]);
    if (!Object.hasOwn(DEFAULTS, name) || !(value > 0)) throw new Error(`I do not know ${arg}\n${HELP}`);
    numbers[name] = value;
  }
  process.stderr.write(`${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}\n`);
  process.stdout.write(
    await wholePath({
      series: numbers['series'] as number,
      rounds: numbers['rounds'] as number,
      samplesPerRequest: numbers['samples-per-request'] as number,
      seed: numbers['seed'] as number,
      say: (line) => process.stderr.write(`${line}\n`),
    }),
  );
}

await main(process.argv.slice(2));
