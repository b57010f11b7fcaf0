import { numberOf, unquote } from '../language/literal.ts';
import { parseSeriesLine, type SeriesLine, scriptError, signedNumber } from './parse-points.ts';

// A script of queries and their answers, as Prometheus' own engine is tested with (see README.md beside this file).
//
//   load 1m                                     adds samples
//     x{a="b"} 0+10x5
//
//   eval instant at 5m rate(x[5m])              asks, and says what must come
//     {a="b"} 0.16666666666666666
//
// Line by line; a blank line ends a block; `#` begins a comment line.

export interface LoadCommand {
  readonly kind: 'load';
  readonly line: number;
  readonly stepMs: number;
  /** `load_with_nhcb`: classic histograms also become native ones. */
  readonly native: boolean;
  readonly series: readonly SeriesLine[];
}

export interface ClearCommand {
  readonly kind: 'clear';
  readonly line: number;
}

export type Severity = 'fail' | 'warn' | 'info';

/** An error, a warning or an info that must come: any, one of this text, or one that matches. */
export interface Note {
  readonly severity: Severity;
  readonly text: string | undefined;
  readonly pattern: RegExp | undefined;
}

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly query: string;
  /** An instant query has start = end and no step. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number | undefined;
  readonly notes: readonly Note[];
  readonly noWarn: boolean;
  readonly noInfo: boolean;
  readonly ordered: boolean;
  readonly string: string | undefined;
  readonly scalar: number | undefined;
  readonly series: readonly SeriesLine[];
  /** The points of an instant query for a range vector stand at these times. */
  readonly rangeVector: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | undefined;
}

export type Command = LoadCommand | ClearCommand | EvalCommand;

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Throws `PROMQL_SCRIPT` with the line. */
export function parseScript(text: string): Command[] {
  const lines = text.split('\n').map((raw, i) => ({ number: i + 1, text: raw.trim() }));
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; ) {
    const head = lines[at++] as Line;
    if (head.text === '' || head.text.startsWith('#')) continue;
    const block: Line[] = [];
    while (at < lines.length && (lines[at] as Line).text !== '' && !isCommand((lines[at] as Line).text)) {
      const line = lines[at++] as Line;
      if (!line.text.startsWith('#')) block.push(line);
    }
    commands.push(parseCommand(head, block));
  }
  return commands;
}

function isCommand(text: string): boolean {
  return /^(?:load|load_with_nhcb|clear|eval|eval_\w+)(?:\s|$)/.test(text);
}

function parseCommand(head: Line, block: readonly Line[]): Command {
  if (head.text === 'clear') return { kind: 'clear', line: head.number };
  const load = /^load(_with_nhcb)?\s+(\S+)$/.exec(head.text);
  if (load) {
    const series = block.map((line) => parseSeriesLine(line.text, line.number));
    const stepMs = timeMs(load[2] as string, head.number);
    return { kind: 'load', line: head.number, stepMs, native: load[1] !== undefined, series };
  }
  const instant = /^eval(_\w+)?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/.exec(head.text);
  if (instant) {
    const [, old, at, query] = instant;
    const atMs = timeMs(at ?? '0', head.number);
    return parseEval(head, block, old, { query: query as string, startMs: atMs, endMs: atMs, stepMs: undefined });
  }
  const range = /^eval(_\w+)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(head.text);
  if (!range) throw scriptError(head.number, `cannot read the command ${head.text}`);
  const [, old, start, end, step, query] = range;
  return parseEval(head, block, old, {
    query: query as string,
    startMs: timeMs(start as string, head.number),
    endMs: timeMs(end as string, head.number),
    stepMs: timeMs(step as string, head.number),
  });
}

/** A duration or seconds, in ms. */
function timeMs(text: string, line: number): number {
  const seconds = numberOf(text.replace(/^-/, ''));
  if (seconds === undefined) throw scriptError(line, `cannot read the time ${text}`);
  return Math.round(seconds * 1000) * (text.startsWith('-') ? -1 : 1);
}

type Asked = Pick<EvalCommand, 'query' | 'startMs' | 'endMs' | 'stepMs'>;
type Expectations = {
  -readonly [K in Exclude<keyof EvalCommand, keyof Asked | 'kind' | 'line' | 'notes' | 'series'>]: EvalCommand[K];
} & {
  notes: Note[];
  series: SeriesLine[];
};

function parseEval(head: Line, block: readonly Line[], old: string | undefined, asked: Asked): EvalCommand {
  const wanted: Expectations = {
    notes: [],
    noWarn: false,
    noInfo: false,
    ordered: old === '_ordered',
    string: undefined,
    scalar: undefined,
    series: [],
    rangeVector: undefined,
  };
  if (old === '_fail' || old === '_warn' || old === '_info') {
    wanted.notes.push({ severity: old.slice(1) as Severity, text: undefined, pattern: undefined });
  }
  for (const line of block) readExpectation(line, wanted);
  return { kind: 'eval', line: head.number, ...asked, ...wanted };
}

function readExpectation({ text, number }: Line, wanted: Expectations): void {
  const note = /^expect\s+(fail|warn|info)(?:\s+(msg|regex):\s*(.*))?$/.exec(text);
  if (note) {
    const [, severity, kind, body] = note;
    wanted.notes.push(noteOf(severity as Severity, kind, body));
    return;
  }
  const failure = /^expected_fail_(message|regexp)\s+(.*)$/.exec(text);
  if (failure) {
    wanted.notes.push(noteOf('fail', failure[1] === 'message' ? 'msg' : 'regex', failure[2]));
    return;
  }
  const expected = /^expect\s+(.*)$/.exec(text);
  if (expected) readFlag(expected[1] as string, number, wanted);
  else if (/^[-+]?(?:[\d.]\S*|[iI]nf|[nN]a[nN])$/.test(text)) wanted.scalar = signedNumber(text);
  else wanted.series.push(parseSeriesLine(text, number));
}

function noteOf(severity: Severity, kind: string | undefined, body: string | undefined): Note {
  return {
    severity,
    text: kind === 'msg' ? body : undefined,
    pattern: kind === 'regex' ? new RegExp(body as string) : undefined,
  };
}

function readFlag(flag: string, line: number, wanted: Expectations): void {
  if (flag === 'no_warn') wanted.noWarn = true;
  else if (flag === 'no_info') wanted.noInfo = true;
  else if (flag === 'ordered') wanted.ordered = true;
  else if (flag.startsWith('string')) {
    const text = unquote(flag.slice(6).trim());
    if (text === undefined) throw scriptError(line, `bad string in ${flag}`);
    wanted.string = text;
  } else {
    const range = /^range vector from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(flag);
    if (!range) throw scriptError(line, `cannot read the expectation ${flag}`);
    const [startMs, endMs, stepMs] = range.slice(1).map((time) => timeMs(time, line));
    wanted.rangeVector = { startMs: startMs as number, endMs: endMs as number, stepMs: stepMs as number };
  }
}
