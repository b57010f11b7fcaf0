import { isTidemarkError, messageOf } from '@tidemark/base';
import type { Command } from './cli/command.ts';
import { parseArgs } from './cli/command.ts';
import { nearestOf } from './config/nearest.ts';
import { VERSION } from './version.ts';

// `tidemark COMMAND ...`. Commands are loaded when they are asked for, so that `push` does not wait for the engines.

const COMMANDS: Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>> = {
  serve: {
    summary: 'run Tidemark: page, APIs, log, storage, rules (what `npm start` does)',
    load: async () => (await import('./cli/serve.ts')).serveCommand,
  },
  query: {
    summary: 'ask a running Tidemark a PromQL question: table, or sparklines with --range',
    load: async () => (await import('./cli/query.ts')).queryCommand,
  },
  push: {
    summary: 'send metrics from standard input: exposition text or `metric labels time value` lines',
    load: async () => (await import('./cli/push.ts')).pushCommand,
  },
  inspect: {
    summary: 'look into a data folder: journal, topics, checkpoints, windows, segments',
    load: async () => (await import('./cli/inspect.ts')).inspectCommand,
  },
  repair: {
    summary: 'say what is damaged in the embedded log, and cut it there',
    load: async () => (await import('./cli/repair.ts')).repairCommand,
  },
  verify: {
    summary: "check every file of a stopped data folder, or of a snapshot: what is damaged, missing or nobody's",
    load: async () => (await import('./cli/verify.ts')).verifyCommand,
  },
  check: {
    summary: 'check Prometheus rule files, without a server (`check rules FILE...`)',
    load: async () => (await import('./cli/rules-command.ts')).checkCommand,
  },
  test: {
    summary: 'run unit tests of rules, as promtool has them, without a server (`test rules FILE...`)',
    load: async () => (await import('./cli/rules-command.ts')).testCommand,
  },
  config: {
    summary: 'explain what is configured and why (`config explain`), or print its JSON Schema (`config schema`)',
    load: async () => (await import('./cli/config.ts')).configCommand,
  },
};

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
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
    const nearest = nearestOf(name, Object.keys(COMMANDS));
    process.stderr.write(`there is no command ${name}${nearest ? `; did you mean ${nearest}?` : ''}\n\n${usage()}`);
    return 2;
  }
  const command = await found.load();
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${command.help}\n`);
    return 0;
  }
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
