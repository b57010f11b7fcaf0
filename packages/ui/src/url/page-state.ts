// What the address bar holds, so that a page can be sent to someone else:
//
//   ?view=query&expr=rate(x[1m])&range=1h&to=1700000000&step=15&tab=table&unit=bytes
//   ?view=overview&host=web-1&range=15m
//
// Unknown or unreadable parts fall back to their defaults. Links in the form other tools make (/graph?g0.expr=...) are read too.

import { type Unit, unitNames } from '../format/units.ts';
import { formatDuration, parseDuration } from '../time/duration.ts';
import { defaultRange, type TimeRange } from '../time/range.ts';

export const views = ['overview', 'query', 'alerts'] as const;
export type View = (typeof views)[number];
export const tabs = ['graph', 'table'] as const;
export type ResultTab = (typeof tabs)[number];

export interface PageState {
  readonly view: View;
  readonly range: TimeRange;
  /** The chosen `instance`, or null for the first there is. */
  readonly host: string | null;
  readonly expr: string;
  /** Seconds; null chooses by the range. */
  readonly stepSeconds: number | null;
  readonly tab: ResultTab;
  /** Null guesses from the expression. */
  readonly unit: Unit | null;
}

export const defaultState: PageState = {
  view: 'overview',
  range: defaultRange,
  host: null,
  expr: '',
  stepSeconds: null,
  tab: 'graph',
  unit: null,
};

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | undefined {
  return allowed.find((value) => value === text);
}

function readEnd(text: string | null): number | null {
  const seconds = text === null ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

export function readState(search: string): PageState {
  const params = new URLSearchParams(search);
  const foreign = params.get('g0.expr');
  const expr = params.get('expr') ?? foreign ?? '';
  return {
    view: oneOf(views, params.get('view')) ?? (foreign === null ? 'overview' : 'query'),
    range: {
      spanSeconds: parseDuration(params.get('range') ?? params.get('g0.range_input') ?? '') ?? defaultRange.spanSeconds,
      end: readEnd(params.get('to')),
    },
    host: params.get('host'),
    expr,
    stepSeconds: parseDuration(params.get('step') ?? '') ?? null,
    tab: oneOf(tabs, params.get('tab')) ?? (params.get('g0.tab') === '1' ? 'table' : 'graph'),
    unit: oneOf(unitNames, params.get('unit')) ?? null,
  };
}

/** The search part that reads back as `state`; defaults are left out, and so is what the view doesn't use. */
export function writeState(state: PageState): string {
  const params = new URLSearchParams();
  if (state.view !== 'overview') params.set('view', state.view);
  if (state.view === 'overview' && state.host !== null) params.set('host', state.host);
  if (state.view === 'query') {
    if (state.expr !== '') params.set('expr', state.expr);
    if (state.stepSeconds !== null) params.set('step', formatDuration(state.stepSeconds));
    if (state.tab !== 'graph') params.set('tab', state.tab);
    if (state.unit !== null) params.set('unit', state.unit);
  }
  if (state.view !== 'alerts') {
    if (state.range.spanSeconds !== defaultRange.spanSeconds)
      params.set('range', formatDuration(state.range.spanSeconds));
    if (state.range.end !== null) params.set('to', String(state.range.end));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
