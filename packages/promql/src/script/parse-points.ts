import { TidemarkError } from '@tidemark/base';
import { type Label, type Labels, labelsOf, METRIC_NAME } from '@tidemark/model';
import { numberOf, unquote } from '../language/literal.ts';
import { histogramSeries, parseHistogram, type WrittenHistogram } from './parse-histogram.ts';

// A line of data: `metric{a="b", "quoted name"="c"} 1 2 _ 0+10x5 stale {{count:3}}`.

/** One place in a row of samples. */
export type Point =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'stale' }
  | ({ readonly kind: 'histogram' } & WrittenHistogram);

export interface SeriesLine {
  readonly labels: Labels;
  readonly points: readonly Point[];
  /** The line gives start timestamps for the one after it (`series@st ...`). */
  readonly startTimestamps: boolean;
}

const NUMBER = String.raw`(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|0[xX][0-9a-fA-F]+|[iI]nf|NaN|nan)`;
const VALUE = new RegExp(`^([-+]?${NUMBER})(?:([-+])(${NUMBER}))?(?:x(\\d+))?$`);
const TOKEN = /\{\{[^}]*\}\}(?:[-+]\{\{[^}]*\}\})?(?:x\d+)?|\S+/g;
// A million samples on one line is a slip of the pen.
const REPEAT_MAX = 1_000_000;

export function scriptError(line: number, message: string): TidemarkError {
  return new TidemarkError('PROMQL_SCRIPT', `line ${line}: ${message}`, { line });
}

/** Throws `PROMQL_SCRIPT`. */
export function parseSeriesLine(text: string, line: number): SeriesLine {
  const end = endOfLabels(text);
  const labels = parseLabels(text.slice(0, end).replace(/@st$/, ''), line);
  const rest = text.slice(end);
  const startTimestamps = rest.startsWith('@st') || text.slice(0, end).endsWith('@st');
  const points = startTimestamps ? [] : parsePoints(rest, line);
  return { labels, points, startTimestamps };
}

/** Where the labels stop: behind the closing brace, or at the first space. */
function endOfLabels(text: string): number {
  const open = text.search(/[{\s]/);
  if (open < 0) return text.length;
  const brace = text.slice(open).search(/\S/) + open;
  if (text[brace] !== '{' || text[brace + 1] === '{') return open;
  for (let i = brace + 1, quote = ''; i < text.length; i++) {
    const character = text[i] as string;
    if (quote !== '') {
      if (character === '\\' && quote !== '`') i++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'" || character === '`') quote = character;
    else if (character === '}') return i + 1;
  }
  return text.length;
}

const LABEL =
  /^\s*(?:([a-zA-Z_:][\w:]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))\s*(?:=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))?\s*(?:,|$)/;

function parseLabels(text: string, line: number): Labels {
  const open = text.indexOf('{');
  const name = (open < 0 ? text : text.slice(0, open)).trim();
  const labels: Label[] = name === '' ? [] : [{ name: METRIC_NAME, value: name }];
  let rest = open < 0 ? '' : text.slice(open + 1, text.lastIndexOf('}'));
  while (rest.trim() !== '') {
    const match = LABEL.exec(rest);
    if (!match) throw scriptError(line, `cannot read labels at ${rest}`);
    const [whole, plain, quoted, value] = match;
    const key = plain ?? unquote(quoted as string);
    const text = value === undefined ? undefined : unquote(value);
    if (key === undefined || (value !== undefined && text === undefined))
      throw scriptError(line, `bad string in ${rest}`);
    labels.push(value === undefined ? { name: METRIC_NAME, value: key } : { name: key, value: text as string });
    rest = rest.slice(whole.length);
  }
  return labelsOf(labels);
}

export function parsePoints(text: string, line: number): Point[] {
  const points: Point[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('#')) break;
    appendPoints(points, token, line);
    if (points.length > REPEAT_MAX) throw scriptError(line, `more than ${REPEAT_MAX} points`);
  }
  return points;
}

function appendPoints(points: Point[], token: string, line: number): void {
  const histograms = HISTOGRAMS.exec(token);
  if (histograms) {
    appendHistograms(points, histograms, line);
    return;
  }
  const special = /^(_|stale)(?:x(\d+))?$/.exec(token);
  if (special) {
    const [, what, times] = special;
    // `_x3` is three places without a sample, `stalex3` is four samples.
    if (what === '_') repeat(points, { kind: 'none' }, Number(times ?? 1));
    else repeat(points, { kind: 'stale' }, Number(times ?? 0) + 1);
    return;
  }
  const match = VALUE.exec(token);
  if (!match) throw scriptError(line, `cannot read the point ${token}`);
  const [, first, sign, step, times] = match;
  let value = signedNumber(first as string);
  const delta = step === undefined ? 0 : signedNumber(step) * (sign === '-' ? -1 : 1);
  const last = Math.min(Number(times ?? 0), REPEAT_MAX);
  for (let i = 0; i <= last; i++) {
    points.push({ kind: 'value', value });
    value += delta;
  }
}

const HISTOGRAMS = /^\{\{([^}]*)\}\}(?:([-+])\{\{([^}]*)\}\})?(?:x(\d+))?$/;

/** `{{..}}x3` is four samples, as `1x3` is. */
function appendHistograms(points: Point[], [token, base, sign, step, times]: RegExpExecArray, line: number): void {
  const first = parseHistogram(base as string);
  const added = step === undefined ? undefined : parseHistogram(step);
  if (first === undefined || (step !== undefined && added === undefined)) {
    throw scriptError(line, `cannot read the point ${token}`);
  }
  const all = histogramSeries(first.histogram, added?.histogram, sign, Math.min(Number(times ?? 0), REPEAT_MAX));
  if (all === undefined) throw scriptError(line, `the histograms of ${token} do not fit`);
  for (const histogram of all) points.push({ kind: 'histogram', histogram, hinted: first.hinted });
}

function repeat(points: Point[], point: Point, times: number): void {
  for (let i = 0; i < Math.min(times, REPEAT_MAX); i++) points.push(point);
}

export function signedNumber(text: string): number {
  const size = numberOf(text.replace(/^[-+]/, '')) ?? Number.NaN;
  return text.startsWith('-') ? -size : size;
}
