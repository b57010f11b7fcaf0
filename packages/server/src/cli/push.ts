import { TidemarkError } from '@tidemark/base';
import { type Command, type CommandContext, callServer, serverUrl, tenantHeaders } from './command.ts';

export const pushCommand: Command = {
  name: 'push',
  summary: 'send metrics from standard input to a running Tidemark',
  help: `tidemark push [--format text|line] [--url URL] [--tenant NAME] < metrics

  text  Prometheus' exposition text:            requests_total{code="200"} 1027
  line  metric labels unix-time value:          CPU.load host=webserver01,region=us-west ${'$'}(date +%s) 50

  Without --format the first line decides. Prints how many samples were taken, and why others were refused.

  curl -s localhost:9100/metrics | tidemark push
  echo "CPU.load host=web1 ${'$'}(date +%s) 50" | tidemark push`,
  options: { format: 'text', url: 'text', tenant: 'text' },
  values: { format: { kind: 'words', words: ['text', 'line'] } },
  run: runPush,
};

const PATHS: Readonly<Record<string, string>> = {
  text: '/api/v1/import/prometheus',
  line: '/api/v1/push/line',
};
// What is sent at a time: whole lines, well below the server's limit for a body.
const PIECE_BYTES = 4 * 1024 * 1024;

interface Outcome {
  readonly accepted: number;
  readonly refused: readonly { readonly reason: string; readonly count: number; readonly example: string }[];
}

async function runPush(context: CommandContext): Promise<number> {
  let format = context.args.options.get('format');
  if (format !== undefined && !Object.hasOwn(PATHS, format)) {
    throw new TidemarkError('ARGUMENT_INVALID', `--format ${format} is unknown; it is text or line`, { format });
  }
  let accepted = 0;
  let refused = 0;
  const server = await serverUrl(context);
  for await (const piece of wholeLines(context.stdin)) {
    format ??= guessFormat(piece);
    const response = await callServer(`${server}${PATHS[format]}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; version=0.0.4', ...tenantHeaders(context.args) },
      body: piece,
      signal: context.signal,
    });
    const outcome = await readOutcome(response);
    if (typeof outcome === 'string') {
      context.stderr.write(`${outcome}\n`);
      return 1;
    }
    accepted += outcome.accepted;
    for (const { reason, count, example } of outcome.refused) {
      refused += count;
      context.stderr.write(`refused ${count} (${reason}): ${example}\n`);
    }
  }
  context.stdout.write(
    `${accepted} ${accepted === 1 ? 'sample' : 'samples'} taken${refused === 0 ? '' : `, ${refused} refused`}\n`,
  );
  return refused === 0 ? 0 : 1;
}

async function readOutcome(response: Response): Promise<Outcome | string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    const body = JSON.parse(text) as Partial<Outcome>;
    if (typeof body.accepted === 'number') return { accepted: body.accepted, refused: body.refused ?? [] };
  }
  return text.trim() || `the server answered ${response.status}`;
}

/** Pieces of some megabytes that end with a line. */
async function* wholeLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of input) {
    pending += decoder.decode(chunk, { stream: true });
    if (pending.length < PIECE_BYTES) continue;
    const end = pending.lastIndexOf('\n') + 1;
    if (end === 0) continue;
    yield pending.slice(0, end);
    pending = pending.slice(end);
  }
  pending += decoder.decode();
  if (pending.trim() !== '') yield pending.endsWith('\n') ? pending : `${pending}\n`;
}

/** A line of four words whose second has `=` and whose third is a time is the line protocol. */
export function guessFormat(text: string): 'text' | 'line' {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  return /^\S+\s+\S+=\S+\s+\d{9,13}\s+\S+$/.test(first.trim()) ? 'line' : 'text';
}
