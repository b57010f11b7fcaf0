// What the address bar holds, so that a page can be sent to someone else:
//
//   ?view=explore&expr=rate(x[1m])&expr=y&hide=2&range=1h&to=1700000000&step=15s&tab=table&unit=bytes&draw=stacked&log=1
//   ?view=explore&expr=...&resolution=1m&charts=apart&refresh=off
//   ?host=web-1&range=15m                                (the overview)
//   ?view=targets&state=down&find=web                    ?view=alerts&show=silences&state=active
//
// `expr` stands once per query, in their order; `hide` names the hidden ones by place, from 1. Unknown or unreadable parts
// fall back to their defaults. Links in the form other tools make (/graph?g0.expr=...&g1.expr=...) are read too.

import { type Unit, unitNames } from '../format/units.ts';
import { formatDuration, parseDuration } from '../time/duration.ts';
import { defaultRange, type TimeRange } from '../time/range.ts';

export const views = ['overview', 'explore', 'targets', 'alerts', 'status'] as const;
export type View = (typeof views)[number];
export const tabs = ['graph', 'table'] as const;
export type ResultTab = (typeof tabs)[number];
export const drawings = ['line', 'stacked', 'points'] as const;
/** How a graph shows its series. */
export type Drawing = (typeof drawings)[number];
/** What an answer is to be computed from: raw samples, rows of a minute or an hour, or whatever the server thinks best. */
export const resolutions = ['auto', 'raw', '1m', '1h'] as const;
export type Resolution = (typeof resolutions)[number];
export const alertLists = ['alerts', 'rules', 'silences'] as const;
export type AlertList = (typeof alertLists)[number];

/** More queries than this on one page are a dashboard, and a server's evening. */
export const queriesMax = 12;
export const refreshChoices = [0, 5, 10, 30, 60, 300] as const;
export const defaultRefreshSeconds = 5;

export interface PageQuery {
  /** Tells queries apart while the page is open; not in the address. */
  readonly id: number;
  readonly expr: string;
  readonly hidden: boolean;
}

export interface PageState {
  readonly view: View;
  readonly range: TimeRange;
  /** The chosen `instance`, or null for the first there is. */
  readonly host: string | null;
  /** At least one, at most `queriesMax`. */
  readonly queries: readonly PageQuery[];
  /** Seconds; null chooses by the range. */
  readonly stepSeconds: number | null;
  readonly resolution: Resolution;
  readonly tab: ResultTab;
  /** Null guesses from the expressions. */
  readonly unit: Unit | null;
  readonly drawing: Drawing;
  readonly log: boolean;
  /** A chart per query instead of one for all. */
  readonly apart: boolean;
  /** Seconds between two askings; 0 asks only when told to. */
  readonly refreshSeconds: number;
  readonly show: AlertList;
  /** A filter by state, in the words of the view; empty for all. */
  readonly state: string;
  /** A filter by text. */
  readonly find: string;
}

const emptyQuery: PageQuery = { id: 0, expr: '', hidden: false };

export const defaultState: PageState = {
  view: 'overview',
  range: defaultRange,
  host: null,
  queries: [emptyQuery],
  stepSeconds: null,
  resolution: 'auto',
  tab: 'graph',
  unit: null,
  drawing: 'line',
  log: false,
  apart: false,
  refreshSeconds: defaultRefreshSeconds,
  show: 'alerts',
  state: '',
  find: '',
};

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | undefined {
  return allowed.find((value) => value === text);
}

function readEnd(text: string | null): number | null {
  const seconds = text === null ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

function foreignExprs(params: URLSearchParams): string[] {
  const found: string[] = [];
  for (let i = 0; i < queriesMax; i++) {
    const expr = params.get(`g${i}.expr`);
    if (expr !== null) found.push(expr);
  }
  return found;
}

function readQueries(params: URLSearchParams): readonly PageQuery[] {
  const own = params.getAll('expr');
  const exprs = (own.length > 0 ? own : foreignExprs(params)).slice(0, queriesMax);
  const hidden = new Set((params.get('hide') ?? '').split(',').map(Number));
  if (exprs.length === 0) return defaultState.queries;
  return exprs.map((expr, id) => ({ id, expr, hidden: hidden.has(id + 1) }));
}

function readView(params: URLSearchParams): View {
  const text = params.get('view');
  // `query` is what this view was called when it held one query; its links still work.
  if (text === 'query') return 'explore';
  return oneOf(views, text) ?? (params.has('g0.expr') ? 'explore' : 'overview');
}

function readRefresh(text: string | null): number {
  if (text === 'off') return 0;
  return refreshChoices.find((seconds) => seconds === parseDuration(text ?? '')) ?? defaultRefreshSeconds;
}

export function readState(search: string): PageState {
  const params = new URLSearchParams(search);
  return {
    view: readView(params),
    range: {
      spanSeconds: parseDuration(params.get('range') ?? params.get('g0.range_input') ?? '') ?? defaultRange.spanSeconds,
      end: readEnd(params.get('to')),
    },
    host: params.get('host'),
    queries: readQueries(params),
    stepSeconds: parseDuration(params.get('step') ?? '') ?? null,
    resolution: oneOf(resolutions, params.get('resolution')) ?? 'auto',
    tab: oneOf(tabs, params.get('tab')) ?? (params.get('g0.tab') === '1' ? 'table' : 'graph'),
    unit: oneOf(unitNames, params.get('unit')) ?? null,
    drawing: oneOf(drawings, params.get('draw')) ?? 'line',
    log: params.get('log') === '1',
    apart: params.get('charts') === 'apart',
    refreshSeconds: readRefresh(params.get('refresh')),
    show: oneOf(alertLists, params.get('show')) ?? 'alerts',
    state: params.get('state') ?? '',
    find: params.get('find') ?? '',
  };
}

function writeExplore(state: PageState, params: URLSearchParams): void {
  const { queries } = state;
  const hidden = queries.flatMap((query, i) => (query.hidden ? [i + 1] : []));
  const untouched = queries.length === 1 && queries[0]?.expr === '' && hidden.length === 0;
  if (!untouched) for (const query of queries) params.append('expr', query.expr);
  if (hidden.length > 0) params.set('hide', hidden.join(','));
  if (state.stepSeconds !== null) params.set('step', formatDuration(state.stepSeconds));
  if (state.resolution !== 'auto') params.set('resolution', state.resolution);
  if (state.tab !== 'graph') params.set('tab', state.tab);
  if (state.unit !== null) params.set('unit', state.unit);
  if (state.drawing !== 'line') params.set('draw', state.drawing);
  if (state.log) params.set('log', '1');
  if (state.apart) params.set('charts', 'apart');
  if (state.refreshSeconds !== defaultRefreshSeconds)
    params.set('refresh', state.refreshSeconds === 0 ? 'off' : formatDuration(state.refreshSeconds));
}

/** The search part that reads back as `state`; defaults are left out, and so is what the view doesn't use. */
export function writeState(state: PageState): string {
  const params = new URLSearchParams();
  const { view } = state;
  if (view !== 'overview') params.set('view', view);
  if (view === 'overview' && state.host !== null) params.set('host', state.host);
  if (view === 'explore') writeExplore(state, params);
  if (view === 'overview' || view === 'explore') {
    if (state.range.spanSeconds !== defaultRange.spanSeconds)
      params.set('range', formatDuration(state.range.spanSeconds));
    if (state.range.end !== null) params.set('to', String(state.range.end));
  }
  if (view === 'alerts' && state.show !== 'alerts') params.set('show', state.show);
  if (view === 'alerts' || view === 'targets') {
    if (state.state !== '') params.set('state', state.state);
    if (state.find !== '') params.set('find', state.find);
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** `state` on another view, without the filters, which mean something else there. */
export function onView(state: PageState, view: View): PageState {
  return state.view === view ? state : { ...state, view, state: '', find: '' };
}

/** The address, beside the page, of the explore view with `exprs`. */
export function exploreLink(...exprs: readonly string[]): string {
  const queries = exprs.map((expr, id) => ({ id, expr, hidden: false }));
  return `./${writeState({ ...defaultState, view: 'explore', queries })}`;
}
