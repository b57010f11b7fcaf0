import { compareUtf8, type Matcher, matcher } from '@tidemark/model';
import type { Node } from 'yaml';
import type { YamlReader } from '../../rules/yaml-reader.ts';
import { matcherText, parseMatchers } from './matcher-text.ts';
import type { InhibitRule, RouteSpec } from './plan.ts';
import { type Fields, readShape, type Shape, tried } from './shape.ts';

// The tree of routes and the inhibition rules. What a route does not say it has from its parent, but for its matchers, its
// intervals of time and `continue`.

const ROUTE_SHAPE: Shape = {
  receiver: 'text',
  group_by: 'texts',
  match: 'textMap',
  match_re: 'textMap',
  matchers: 'texts',
  mute_time_intervals: 'texts',
  active_time_intervals: 'texts',
  continue: 'bool',
  routes: 'any',
  group_wait: 'duration',
  group_interval: 'duration',
  repeat_interval: 'duration',
  // Rendered for templates by newer Alertmanagers; read, so that their files are taken.
  labels: 'textMap',
};

export const ROUTE_DEFAULTS = {
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 4 * 3_600_000,
} as const;

// Nobody nests by hand deeper than a few; a tree that leads on and on is one made to harm.
const DEPTH_MAX = 50;

export interface RouteReading {
  readonly reader: YamlReader;
  readonly receivers: ReadonlySet<string>;
  readonly timeIntervals: ReadonlySet<string>;
  readonly warn: (node: Node | null, message: string) => void;
}

type Inherited = Pick<
  RouteSpec,
  'receiver' | 'groupBy' | 'groupsByAll' | 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'
>;

/** The root; undefined (with a complaint) when it is none. */
export function readRoot(node: Node | null, reading: RouteReading): RouteSpec | undefined {
  const { reader } = reading;
  const fields = readShape(reader, node, 'route', ROUTE_SHAPE);
  if (!fields) return undefined;
  if (fields.text('receiver') === '') reader.complain(node, 'the root route must name a receiver');
  for (const name of ['match', 'match_re', 'matchers', 'mute_time_intervals', 'active_time_intervals']) {
    const isGiven =
      name.startsWith('match') && name !== 'matchers' ? fields.map(name).size > 0 : fields.texts(name).length > 0;
    if (isGiven) reader.complain(fields.nodeOf(name), `the root route holds for every alert: it must have no ${name}`);
  }
  if (fields.bool('continue')) reader.complain(fields.nodeOf('continue'), 'the root route cannot have continue');
  const defaults = { receiver: '', groupBy: [], groupsByAll: false, ...ROUTE_DEFAULTS };
  return build(fields, reading, defaults, { id: '0', key: '', depth: 0 });
}

function build(
  fields: Fields,
  reading: RouteReading,
  inherited: Inherited,
  at: { readonly id: string; readonly key: string; readonly depth: number },
): RouteSpec {
  const { reader } = reading;
  const matchers = readMatchers(reader, fields, '');
  const own = inherit(fields, reading, inherited);
  const id = at.id;
  const key = `${at.key}${at.key === '' ? '' : '/'}{${matchers.map(matcherText).join(',')}}`;
  const spec = {
    id,
    key,
    matchers,
    continues: fields.bool('continue') ?? false,
    muteIn: intervalsOf(fields, 'mute_time_intervals', reading),
    activeIn: intervalsOf(fields, 'active_time_intervals', reading),
    ...own,
  };
  if (fields.map('labels').size > 0) {
    reading.warn(fields.nodeOf('labels'), 'labels of routes are not supported yet and are left out');
  }
  if (at.depth >= DEPTH_MAX) {
    reader.complain(fields.node, `routes may stand ${DEPTH_MAX} deep at most`);
    return { ...spec, routes: [] };
  }
  const children = fields.has('routes') ? (reader.items(fields.nodeOf('routes'), 'routes') ?? []) : [];
  const routes = children.flatMap((child, i) => {
    const read = readShape(reader, child, 'a route', ROUTE_SHAPE);
    return read ? [build(read, reading, own, { id: `${id}/${i}`, key, depth: at.depth + 1 })] : [];
  });
  return { ...spec, routes };
}

function inherit(fields: Fields, reading: RouteReading, inherited: Inherited): Inherited {
  const { reader, receivers } = reading;
  const receiver = fields.text('receiver');
  if (receiver !== '' && !receivers.has(receiver)) {
    reader.complain(fields.nodeOf('receiver'), `there is no receiver ${JSON.stringify(receiver)}`);
  }
  for (const name of ['group_interval', 'repeat_interval']) {
    if (fields.number(name) === 0) reader.complain(fields.nodeOf(name), `${name} must not be zero`);
  }
  return {
    receiver: receiver || inherited.receiver,
    ...(fields.texts('group_by').length > 0 ? readGroupBy(reader, fields) : pick(inherited)),
    groupWaitMs: fields.number('group_wait') ?? inherited.groupWaitMs,
    groupIntervalMs: fields.number('group_interval') ?? inherited.groupIntervalMs,
    repeatIntervalMs: fields.number('repeat_interval') ?? inherited.repeatIntervalMs,
  };
}

function pick({ groupBy, groupsByAll }: Inherited): Pick<Inherited, 'groupBy' | 'groupsByAll'> {
  return { groupBy, groupsByAll };
}

function readGroupBy(reader: YamlReader, fields: Fields): Pick<Inherited, 'groupBy' | 'groupsByAll'> {
  const names = fields.texts('group_by');
  const node = fields.nodeOf('group_by');
  const groupsByAll = names.includes('...');
  if (groupsByAll && names.length > 1)
    reader.complain(node, 'group_by: ... stands for all labels and must stand alone');
  if (new Set(names).size < names.length) reader.complain(node, 'group_by must not name a label twice');
  if (names.includes('')) reader.complain(node, 'group_by must not hold an empty name');
  return { groupsByAll, groupBy: groupsByAll ? [] : [...names].sort(compareUtf8) };
}

function intervalsOf(fields: Fields, name: string, { reader, timeIntervals }: RouteReading): readonly string[] {
  const names = fields.texts(name);
  for (const one of names) {
    if (!timeIntervals.has(one))
      reader.complain(fields.nodeOf(name), `there is no time interval ${JSON.stringify(one)}`);
  }
  return names;
}

/** `match`, `match_re` and `matchers` together, in the order of their texts; `prefix`: `source_`, `target_`. */
function readMatchers(reader: YamlReader, fields: Fields, prefix: string): readonly Matcher[] {
  const found: Matcher[] = [];
  for (const [name, value] of fields.map(`${prefix}match`)) found.push(matcher('=', name, value));
  const regexes = `${prefix}match_re`;
  for (const [name, value] of fields.map(regexes)) {
    if (value === '') reader.complain(fields.nodeOf(regexes), `${regexes}.${name} must be a regex, not empty`);
    const made = tried(reader, fields.nodeOf(regexes), regexes, () => matcher('=~', name, value));
    // As Alertmanager writes it in its keys, anchors and all.
    if (made) found.push({ ...made, value: `^(?:${value})$` });
  }
  for (const name of [`${prefix}match`, regexes]) {
    if (fields.map(name).has('')) reader.complain(fields.nodeOf(name), `${name} must not hold an empty name`);
  }
  for (const text of fields.texts(`${prefix}matchers`)) {
    found.push(
      ...(tried(reader, fields.nodeOf(`${prefix}matchers`), `${prefix}matchers`, () => parseMatchers(text)) ?? []),
    );
  }
  return found.sort(
    (a, b) => compareUtf8(a.name, b.name) || compareUtf8(a.value, b.value) || compareUtf8(a.type, b.type),
  );
}

const SIDE: Shape = { match: 'textMap', match_re: 'textMap', matchers: 'texts' };
const side = (prefix: string): Shape =>
  Object.fromEntries(Object.entries(SIDE).map(([name, kind]) => [`${prefix}${name}`, kind]));

const INHIBIT_SHAPE: Shape = {
  name: 'text',
  ...side('source_'),
  ...side('target_'),
  equal: 'texts',
};

export function readInhibitRules(reader: YamlReader, node: Node | null): readonly InhibitRule[] {
  return (reader.items(node, 'inhibit_rules') ?? []).flatMap((item) => {
    const fields = readShape(reader, item, 'an inhibition rule', INHIBIT_SHAPE);
    if (!fields) return [];
    return [
      {
        sources: readMatchers(reader, fields, 'source_'),
        targets: readMatchers(reader, fields, 'target_'),
        equal: fields.texts('equal'),
      },
    ];
  });
}
