import { isTidemarkError, messageOf } from '@tidemark/base';
import { parseArgs } from './cli/command.ts';
import { COMMANDS } from './cli/commands.ts';
import { nearestOf } from './config/nearest.ts';
import { VERSION } from './version.ts';

// `tidemark COMMAND ...`.

function usage(): string {
  const shown = Object.entries(COMMANDS).filter(([, { hidden }]) => !hidden);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `tidemark ${VERSION}

  tidemark COMMAND [options]        from a checkout: npm start -- COMMAND [options]

${lines.join('\n')}

  tidemark COMMAND --help says more. Settings: tidemark.yaml, or TIDEMARK_SECTION_KEY in the environment.
`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [first = 'serve', ...rest] = argv;
  if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    process.stdout.write(usage());
    return 0;
  }
  if (first === '--version') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const [name, args] = first.startsWith('--')
    ? ['serve', argv]
    : first === 'help'
      ? [rest[0] ?? '', ['--help']]
      : [first, rest];
  const found = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!found) {
    const nearest = nearestOf(
      name,
      Object.keys(COMMANDS).filter((known) => !COMMANDS[known]?.hidden),
    );
    process.stderr.write(`there is no command ${name}${nearest ? `; did you mean ${nearest}?` : ''}\n\n${usage()}`);
    return 2;
  }
  const command = await found.load();
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${command.help}\n`);
    return 0;
  }
  // `tidemark query ... | head -1`: nobody reads on. A server goes on without its readers.
  if (name !== 'serve') process.stdout.on('error', endWithoutReader);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => abort.abort(new DOMException(signal, 'AbortError')));
  }
  return command.run({
    args: parseArgs(args, command.options),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: abort.signal,
  });
}

// As a shell tells of a program that SIGPIPE ended; Node has no such signal.
const EXIT_SIGPIPE = 141;

function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_SIGPIPE);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // The world's faults are one clear sentence; ours show where.
  process.stderr.write(
    isTidemarkError(error)
      ? `tidemark: ${error.message}\n`
      : `tidemark: ${error instanceof Error ? error.stack : messageOf(error)}\n`,
  );
  process.exitCode = isTidemarkError(error, 'ARGUMENT_INVALID') ? 2 : 1;
}
// A server that could not let go of everything in time ends all the same.
const LEFT_BEHIND_MS = 500;
if (process.exitCode !== 0) setTimeout(() => process.exit(), LEFT_BEHIND_MS).unref();
