import { textPattern } from '@tidemark/model';
import { GoDuration, GoTime } from '../template/go-time.ts';
import { humanizeDuration } from '../template/humanize.ts';
import { RE_REPLACE_ALL } from '../template/prometheus-functions.ts';
import { titleCase } from '../template/text-functions.ts';
import {
  entriesOf,
  type FunctionMap,
  GoFunction,
  GoNamed,
  type GoValue,
  itemsOf,
  safeHtml,
} from '../template/value.ts';

// The functions that Alertmanager adds to Go's for the templates of receivers.

const text = (make: (text: string) => GoValue) => new GoFunction(['string'], ([value]) => make(value as string));

export function alertmanagerFunctions(nowMs: () => number): FunctionMap {
  return {
    toUpper: text((value) => value.toUpperCase()),
    toLower: text((value) => value.toLowerCase()),
    title: text(titleCase),
    trimSpace: text((value) => value.trim()),
    join: new GoFunction(['string', '[]string'], ([between, items]) =>
      (itemsOf(items) as readonly string[]).join(between as string),
    ),
    match: new GoFunction(['string', 'string'], ([regex, value]) => textPattern(regex as string).test(value as string)),
    reReplaceAll: RE_REPLACE_ALL,
    safeHtml: text(safeHtml),
    safeUrl: text((value) => value),
    urlUnescape: text((value) => decodeURIComponent(value.replaceAll('+', ' '))),
    stringSlice: new GoFunction([], (items) => [...items], 'string'),
    date: new GoFunction(['string', 'time.Time'], ([layout, time]) =>
      ((time as GoTime).methods['Format'] as GoFunction).call([layout], NO_LIMIT),
    ),
    tz: new GoFunction(['string', 'time.Time'], ([zone, time]) => new GoTime((time as GoTime).ms, zone as string)),
    since: new GoFunction(['time.Time'], ([time]) => new GoDuration(nowMs() - (time as GoTime).ms)),
    humanizeDuration: new GoFunction(['any'], ([value]) =>
      humanizeDuration(value instanceof GoDuration ? value.ms / 1000 : Number(value)),
    ),
    toJson: new GoFunction(['any'], ([value]) => JSON.stringify(plain(value))),
  };
}

const NO_LIMIT = { text: () => undefined, step: () => undefined, textMax: Number.MAX_SAFE_INTEGER };

function plain(value: GoValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof GoTime) return new Date(value.ms).toISOString();
  const items = itemsOf(value);
  if (items) return items.map(plain);
  const entries = entriesOf(value) ?? (value instanceof GoNamed ? value.fields : undefined);
  if (entries) return Object.fromEntries([...entries].map(([name, entry]) => [name, plain(entry)]));
  return value instanceof GoNamed ? (value.text?.() ?? '') : value;
}
