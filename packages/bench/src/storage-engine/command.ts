import { ROWS, runRows } from './rows.ts';

// npm run bench -- storage-engine [--rows NAME,NAME] [--series N] [--scrapes N] [--seed N]

export const STORAGE_ENGINE_HELP = `npm run bench -- storage-engine [--rows NAME,NAME] [--series N] [--scrapes N] [--seed N]

  storage-engine   the engine alone on real disk, node_exporter-like hosts whose values are noise (testkit, NoisyFleet), one scrape
                   every 10 s of simulated time; input is made outside of the measured CPU time. Rows:
${ROWS.map(({ name, demand }) => `                     ${name.padEnd(8)} ${demand}`).join('\n')}
                   Without --series and --scrapes each row has some it is quick with; figures of a million series are asked
                   for with --series 1000000
`;

const DEFAULTS = { series: undefined, scrapes: undefined, seed: 1 };

export async function storageEngine(args: readonly string[]): Promise<void> {
  const numbers: { series: number | undefined; scrapes: number | undefined; seed: number } = { ...DEFAULTS };
  let rows = ROWS;
  for (let i = 0; i < args.length; i += 2) {
    const [arg = '', text = ''] = args.slice(i, i + 2);
    if (arg === '--rows') {
      rows = text.split(',').map(rowNamed);
      continue;
    }
    const name = arg.replace(/^--/, '');
    const value = Number(text);
    if (!isNumberName(name) || !(value > 0)) throw new Error(`I do not know ${arg} ${text}\n${STORAGE_ENGINE_HELP}`);
    numbers[name] = value;
  }
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  await runRows(rows, { ...numbers, say }, (text) => void process.stdout.write(text));
}

function isNumberName(name: string): name is keyof typeof DEFAULTS {
  return Object.hasOwn(DEFAULTS, name);
}

function rowNamed(name: string) {
  const found = ROWS.find((row) => row.name === name);
  if (found === undefined)
    throw new Error(`${JSON.stringify(name)} is not one of ${ROWS.map((row) => row.name).join(', ')}`);
  return found;
}
