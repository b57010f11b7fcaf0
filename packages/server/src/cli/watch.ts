import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTidemarkError, messageOf, systemClock } from '@tidemark/base';
import type { CommandContext } from './command.ts';
import type { Reply, Series } from './query.ts';

// A question asked again and again until Ctrl-C.
//
//   ask ──answer──> draw ──interval──> ask ...     terminal: the same lines again; otherwise a line for each answer
//    └──no server, busy──> say so ──interval──┘
//    └──the question itself is wrong──> say so, exit 1: asking again would not help

export const WATCH_INTERVAL_DEFAULT = '5s';

type Data = NonNullable<Reply['data']>;

export interface Watch {
  readonly context: CommandContext;
  readonly caption: string;
  readonly intervalMs: number;
  readonly ask: () => Promise<Reply>;
  readonly render: (data: Data, sparkWidth?: number) => string;
}

interface Outcome {
  readonly data?: Data;
  readonly warnings: readonly string[];
  readonly error?: string;
}

/** Resolves to the exit code: 0 when it was ended by a signal. */
export async function watch(options: Watch): Promise<number> {
  const { context, intervalMs } = options;
  const { signal, stdout } = context;
  const screen = isTerminal(stdout) && !context.args.options.has('json') ? new Screen(stdout, context.env) : undefined;
  let last: Data | undefined;
  try {
    while (!signal.aborted) {
      const outcome = await outcomeOf(options.ask);
      if (signal.aborted) break;
      if (outcome === 'refused') return 1;
      last = outcome.data ?? last;
      if (screen) screen.draw(linesOf(options, screen, outcome, last));
      else writeLine(context, outcome);
      // This wait, unlike those of a server's parts, is all that keeps the process alive.
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    screen?.leave();
  }
  return 0;

  async function outcomeOf(ask: Watch['ask']): Promise<Outcome | 'refused'> {
    try {
      const reply = await ask();
      const warnings = reply.warnings ?? [];
      if (reply.status === 'success' && reply.data) return { data: reply.data, warnings };
      const error = reply.error ?? 'the server answered with nothing';
      if (reply.errorType !== 'bad_data') return { warnings, error };
      context.stderr.write(`${error}\n`);
      return 'refused';
    } catch (error) {
      // Away, starting, or another program there meanwhile: it may come back.
      if (isTidemarkError(error, 'SERVER_UNREACHABLE') || isTidemarkError(error, 'SERVER_STRANGE')) {
        return { warnings: [], error: messageOf(error) };
      }
      throw error;
    }
  }
}

const clockTime = () => new Date(systemClock.nowMs()).toISOString().slice(11, 19);

function linesOf(
  { caption, intervalMs, render }: Watch,
  screen: Screen,
  outcome: Outcome,
  last: Data | undefined,
): string[] {
  const lines = [screen.strong(`${caption}   every ${intervalMs / 1000} s   ${clockTime()} UTC`), ''];
  if (outcome.error !== undefined) lines.push(screen.alarm(`${outcome.error}; asking again`));
  for (const warning of outcome.warnings) lines.push(screen.alarm(`warning: ${warning}`));
  if (last === undefined) return lines;
  const text = (sparkWidth?: number) => render(last, sparkWidth).trimEnd().split('\n');
  const widest = Math.max(...text().map((line) => [...line].length));
  // What does not fit is taken from the sparklines first.
  const SPARK_MIN = 10;
  const SPARK_WIDTH = 60;
  const shorter = SPARK_WIDTH - (widest - screen.columns);
  lines.push(...(widest <= screen.columns ? text() : text(Math.max(SPARK_MIN, shorter))));
  return lines;
}

/** A line with everything: time, then a series and its value after the other. */
function writeLine({ stdout, stderr, args }: CommandContext, { data, warnings, error }: Outcome): void {
  const at = new Date(systemClock.nowMs()).toISOString();
  for (const warning of warnings) stderr.write(`${at} warning: ${warning}\n`);
  if (error !== undefined || data === undefined) stderr.write(`${at} ${error}; asking again\n`);
  else stdout.write(args.options.has('json') ? `${JSON.stringify(data)}\n` : `${at} ${valuesOf(data)}\n`);
}

function valuesOf({ resultType, result }: Data): string {
  if (resultType === 'scalar' || resultType === 'string') return (result as [number, string])[1];
  const series = result as readonly Series[];
  if (series.length === 0) return 'no series';
  return series
    .map(({ metric, value, values }) => `${nameOf(metric)}=${(value ?? values?.at(-1))?.[1] ?? ''}`)
    .join(' ');
}

/** As in a selector, without blanks: one word of a line. */
function nameOf(metric: Series['metric']): string {
  const { __name__: name = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? name || '{}' : `${name}{${pairs.join(',')}}`;
}

interface Terminal extends Writable {
  readonly isTTY: true;
  readonly columns?: number;
  readonly rows?: number;
}

function isTerminal(stream: Writable): stream is Terminal {
  return 'isTTY' in stream && stream.isTTY === true;
}

const ESC = '\u001b[';
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** The lower part of a terminal, drawn over itself. What stood above stays. */
class Screen {
  readonly #terminal: Terminal;
  readonly #colour: boolean;
  #drawn: readonly string[] = [];

  constructor(terminal: Terminal, env: CommandContext['env']) {
    this.#terminal = terminal;
    // no-color.org: set and not empty.
    this.#colour = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    terminal.write(`${ESC}?25l`);
  }

  get columns(): number {
    return this.#terminal.columns || COLUMNS_DEFAULT;
  }

  strong(text: string): string {
    return this.#colour ? `${ESC}1m${text}${ESC}0m` : text;
  }

  alarm(text: string): string {
    return this.#colour ? `${ESC}31m${text}${ESC}0m` : text;
  }

  draw(lines: readonly string[]): void {
    const rowsMax = Math.max(1, (this.#terminal.rows || ROWS_DEFAULT) - 1);
    const fitting =
      lines.length <= rowsMax
        ? lines
        : [...lines.slice(0, rowsMax - 1), `... ${lines.length - rowsMax + 1} more lines`];
    // A terminal that became narrower has broken what was drawn into more rows.
    const rowsUp = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(lengthOf(line) / this.columns)), 0);
    const cut = fitting.map((line) => cutTo(line, this.columns));
    this.#terminal.write(`${rowsUp > 0 ? `${ESC}${Math.min(rowsUp, rowsMax)}A` : ''}\r${ESC}J${cut.join('\n')}\n`);
    this.#drawn = cut;
  }

  leave(): void {
    this.#terminal.write(`${ESC}?25h`);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the very characters that are looked for.
const SEQUENCE = /\u001b\[[0-9;]*m/g;

function lengthOf(line: string): number {
  return [...line.replace(SEQUENCE, '')].length;
}

/** At most `columns` characters, colours not counted; what is left out is marked. */
function cutTo(line: string, columns: number): string {
  if (lengthOf(line) <= columns) return line;
  const parts = line.split(new RegExp(`(${SEQUENCE.source})`));
  let left = columns - 1;
  return parts
    .map((part, i) => {
      if (i % 2 === 1) return part;
      const shown = [...part].slice(0, left);
      const isCut = shown.length < [...part].length && left > 0;
      left -= shown.length;
      if (isCut) left = 0;
      return isCut ? `${shown.join('')}…` : shown.join('');
    })
    .join('');
}
