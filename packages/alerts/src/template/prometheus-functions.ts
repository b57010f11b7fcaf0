import { textPattern } from '@tidemark/model';
import { queryEscape } from './builtins.ts';
import { TMPL } from './execute.ts';
import { GoDuration } from './go-time.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  numberFrom,
  timeFrom,
} from './humanize.ts';
import { stripDomain, stripPort, titleCase } from './text-functions.ts';
import { type FunctionMap, GoFunction, GoNamed, type GoValue, itemsOf, safeHtml } from './value.ts';

// The functions that Prometheus adds to Go's for the templates of alerts.

export interface QuerySample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface PrometheusFacts {
  readonly externalUrl: string;
  readonly nowMs: number;
  /** The answer at the time of evaluation. May throw an `Interruption` when it has to be fetched first. */
  query(expression: string): readonly QuerySample[];
  /** `parseDuration`: Prometheus' durations, in ms. Throws. */
  parseDuration(text: string): number;
}

const SAMPLE = '*template.sample';
const RESULT = 'template.queryResult';

export function prometheusFunctions(facts: PrometheusFacts): FunctionMap {
  const url = facts.externalUrl;
  return {
    query: new GoFunction(['string'], ([expression]) => resultOf(facts.query(expression as string).map(sampleOf))),
    first: new GoFunction([RESULT], ([result]) => {
      const [first] = itemsOf(result) ?? [];
      if (first === undefined) throw new Error('first() called on vector with no elements');
      return first;
    }),
    label: new GoFunction(['string', SAMPLE], ([name, sample]) => labelOf(sample, name as string)),
    value: new GoFunction([SAMPLE], ([sample]) => (sample as GoNamed).fields?.get('Value')),
    strvalue: new GoFunction([SAMPLE], ([sample]) => labelOf(sample, '__value__')),
    sortByLabel: new GoFunction(['string', RESULT], ([name, result]) => sortedBy(name as string, result)),
    args: new GoFunction([], argsOf, 'any'),
    tmpl: TMPL,
    safeHtml: new GoFunction(['string'], ([text]) => safeHtml(text as string)),
    match: new GoFunction(['string', 'string'], ([regex, text]) => textPattern(regex as string).test(text as string)),
    reReplaceAll: RE_REPLACE_ALL,
    title: new GoFunction(['string'], ([text]) => titleCase(text as string)),
    toUpper: new GoFunction(['string'], ([text]) => (text as string).toUpperCase()),
    toLower: new GoFunction(['string'], ([text]) => (text as string).toLowerCase()),
    urlQueryEscape: new GoFunction(['string'], ([text]) => queryEscape(text as string)),
    graphLink: new GoFunction(['string'], ([expression]) => pageOf(expression as string, 0)),
    tableLink: new GoFunction(['string'], ([expression]) => pageOf(expression as string, 1)),
    stripPort: new GoFunction(['string'], ([host]) => stripPort(host as string)),
    stripDomain: new GoFunction(['string'], ([host]) => stripDomain(host as string)),
    humanize: ofNumber(humanize),
    humanize1024: ofNumber(humanize1024),
    humanizeDuration: ofNumber(humanizeDuration),
    humanizePercentage: ofNumber(humanizePercentage),
    humanizeTimestamp: ofNumber(humanizeTimestamp),
    toTime: ofNumber(timeFrom),
    toDuration: ofNumber((seconds) => new GoDuration(seconds * 1000)),
    now: new GoFunction([], () => facts.nowMs / 1000),
    parseDuration: new GoFunction(['string'], ([text]) => facts.parseDuration(text as string) / 1000),
    parseDurationTime: new GoFunction(['string'], ([text]) => new GoDuration(facts.parseDuration(text as string))),
    pathPrefix: new GoFunction([], () => (URL.canParse(url) ? new URL(url).pathname.replace(/^\/$/, '') : '')),
    externalURL: new GoFunction([], () => url),
  };
}

export const RE_REPLACE_ALL = new GoFunction(['string', 'string', 'string'], ([regex, template, text], allowance) => {
  const pattern = textPattern(regex as string);
  // What it says when it is too long is what the allowance says.
  return pattern.replaceAll(text as string, template as string, allowance.textMax);
});

function ofNumber(act: (value: number) => GoValue): GoFunction {
  return new GoFunction(['any'], ([value]) => act(numberFrom(value)));
}

function sampleOf({ labels, value }: QuerySample): GoNamed {
  return new GoNamed(SAMPLE, { fields: { Labels: labels, Value: value } });
}

function resultOf(items: readonly GoValue[]): GoNamed {
  return new GoNamed(RESULT, { items });
}

function labelOf(sample: GoValue, name: string): string {
  const labels = (sample as GoNamed).fields?.get('Labels') as ReadonlyMap<string, string> | undefined;
  return labels?.get(name) ?? '';
}

function sortedBy(name: string, result: GoValue): GoNamed {
  const items = [...(itemsOf(result) ?? [])];
  return resultOf(items.sort((a, b) => Buffer.compare(Buffer.from(labelOf(a, name)), Buffer.from(labelOf(b, name)))));
}

/** `{{ template "x" (args 1 2) }}`: there they are `.arg0` and `.arg1`. */
function argsOf(values: readonly GoValue[]): GoNamed {
  return new GoNamed('map[string]interface {}', {
    entries: new Map(values.map((value, i) => [`arg${i}`, value])),
  });
}

function pageOf(expression: string, tab: number): string {
  return `/graph?g0.expr=${queryEscape(expression)}&g0.tab=${tab}`;
}
