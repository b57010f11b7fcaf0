// What a dashboard is made of, as Grafana 12 and 13 read it (schema version 41), and the few ways in which ours use it.
//
//   dashboard(...)  rows of panels, each as wide as it says of 24; places and ids are given out here, so that none overlap
//   stat, lines, rows, gauge    one panel each: what it shows, its unit, its questions

export const DATASOURCE = { type: 'prometheus', uid: 'tidemark' } as const;

const COLUMNS = 24;
const SCHEMA_VERSION = 41;

export type PanelType = 'stat' | 'timeseries' | 'table' | 'gauge';

export interface Target {
  readonly refId: string;
  readonly datasource: typeof DATASOURCE;
  readonly editorMode: 'code';
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
  readonly range: boolean;
  readonly format?: 'table';
}

export interface PanelDraft {
  readonly type: PanelType;
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly targets: readonly Target[];
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** The metric whose values of `of` it offers; a selector may follow the name. */
  readonly metric: string;
  readonly of: string;
  /** Offers `All`, which matches everything. */
  readonly all?: true;
}

export interface DashboardDraft {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly (readonly PanelDraft[])[];
}

/** An expression, with a name for its lines: `{{label}}` stands for a label's value. */
export type Question = readonly [expression: string, legend?: string];

interface Look {
  readonly about: string;
  readonly unit: string;
  readonly width: number;
  readonly max?: number;
  readonly decimals?: number;
  /** From the lowest: a colour, and from which value on the next. */
  readonly thresholds?: readonly (readonly [colour: string, from: number | null])[];
}

const STAT_HEIGHT = 4;
const GRAPH_HEIGHT = 8;

export function stat(title: string, look: Look, question: Question): PanelDraft {
  const options = { colorMode: 'value', graphMode: 'area', reduceOptions: LAST, textMode: 'auto' };
  return panel('stat', title, look, STAT_HEIGHT, targetsOf([question], false), { options });
}

export function gauge(title: string, look: Look, question: Question): PanelDraft {
  const options = { reduceOptions: LAST, showThresholdLabels: false, showThresholdMarkers: true };
  return panel('gauge', title, look, GRAPH_HEIGHT, targetsOf([question], true), { options });
}

/** `stacked`: parts of a whole. */
export function lines(title: string, look: Look & { readonly stacked?: true }, ...questions: Question[]): PanelDraft {
  const custom = {
    drawStyle: 'line',
    fillOpacity: look.stacked ? 30 : 8,
    lineWidth: 1,
    showPoints: 'never',
    spanNulls: false,
    stacking: { group: 'A', mode: look.stacked ? 'normal' : 'none' },
  };
  const options = {
    legend: { calcs: ['lastNotNull'], displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
  return panel('timeseries', title, look, GRAPH_HEIGHT, targetsOf(questions, false), { options }, custom);
}

/** The newest values as a table; `hide`: columns that say nothing. */
export function rows(title: string, look: Look, hide: readonly string[], question: Question): PanelDraft {
  const [target] = targetsOf([question], true) as [Target];
  const excludeByName = Object.fromEntries(['Time', '__name__', ...hide].map((name) => [name, true]));
  const transformations = [
    { id: 'organize', options: { excludeByName, indexByName: {}, renameByName: { Value: look.about.split('.')[0] } } },
  ];
  return panel('table', title, look, GRAPH_HEIGHT, [{ ...target, format: 'table' }], {
    options: { cellHeight: 'sm', showHeader: true },
    transformations,
  });
}

const LAST = { calcs: ['lastNotNull'], fields: '', values: false };

function panel(
  type: PanelType,
  title: string,
  { about, unit, width, max, decimals, thresholds }: Look,
  height: number,
  targets: readonly Target[],
  rest: Readonly<Record<string, unknown>>,
  custom: Readonly<Record<string, unknown>> = {},
): PanelDraft {
  const steps = (thresholds ?? [['green', null]]).map(([color, value]) => ({ color, value }));
  const defaults = {
    unit,
    ...(max === undefined ? {} : { min: 0, max }),
    ...(decimals === undefined ? {} : { decimals }),
    color: { mode: thresholds === undefined ? 'palette-classic' : 'thresholds' },
    custom,
    mappings: [],
    thresholds: { mode: 'absolute', steps },
  };
  return {
    type,
    title,
    description: about,
    width,
    height,
    targets,
    rest: { ...rest, fieldConfig: { defaults, overrides: [] } },
  };
}

function targetsOf(questions: readonly Question[], instant: boolean): Target[] {
  return questions.map(([expr, legendFormat = ''], i) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + i),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legendFormat === '' ? '__auto' : legendFormat,
    instant,
    range: !instant,
  }));
}

/** As a file of Grafana's. */
export function dashboard({ uid, title, description, variables, rows: drafts }: DashboardDraft): object {
  let id = 0;
  let y = 0;
  const panels = drafts.flatMap((row) => {
    let x = 0;
    const placed = row.map(({ width, height, type, title: name, description: about, targets, rest }) => {
      if (x + width > COLUMNS) throw new Error(`${title}: ${name} does not fit into its row of ${COLUMNS}`);
      const gridPos = { h: height, w: width, x, y };
      x += width;
      return { id: ++id, type, title: name, description: about, datasource: DATASOURCE, gridPos, ...rest, targets };
    });
    y += Math.max(...row.map(({ height }) => height));
    return placed;
  });
  return {
    uid,
    title,
    description,
    tags: ['tidemark'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '15s',
    time: { from: 'now-1h', to: 'now' },
    timepicker: {},
    fiscalYearStartMonth: 0,
    annotations: { list: [] },
    links: [
      {
        type: 'dashboards',
        title: 'Tidemark',
        tags: ['tidemark'],
        asDropdown: false,
        includeVars: false,
        keepTime: true,
      },
    ],
    templating: { list: variables.map(templateOf) },
    panels,
  };
}

function templateOf({ name, label, metric, of, all }: Variable): object {
  const query = `label_values(${metric}, ${of})`;
  return {
    type: 'query',
    name,
    label,
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: `variable-${name}` },
    refresh: 2,
    sort: 1,
    multi: all === true,
    includeAll: all === true,
    ...(all === true ? { allValue: '.+', current: { text: ['All'], value: ['$__all'] } } : { current: {} }),
    options: [],
    regex: '',
    hide: 0,
  };
}
