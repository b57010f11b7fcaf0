import type { Node } from 'yaml';
import type { YamlReader } from '../../rules/yaml-reader.ts';
import { type Fields, readShape, type Shape, tried } from './shape.ts';
import {
  checkLocation,
  daySpan,
  monthSpan,
  type Span,
  type TimeInterval,
  timeSpan,
  weekdaySpan,
  yearSpan,
} from './time-interval.ts';

// The named time intervals of the file.

const INTERVAL_SHAPE: Shape = {
  times: { list: { start_time: 'text', end_time: 'text' } },
  weekdays: 'texts',
  days_of_month: 'texts',
  months: 'texts',
  years: 'texts',
  location: 'text',
};
const NAMED_SHAPE: Shape = { name: 'text', time_intervals: { list: INTERVAL_SHAPE } };

/** By name. `sections`: the one in use and the one it replaced; their names are one set. */
export function readTimeIntervals(
  reader: YamlReader,
  sections: readonly (readonly [name: string, node: Node | null])[],
): ReadonlyMap<string, readonly TimeInterval[]> {
  const intervals = new Map<string, readonly TimeInterval[]>();
  for (const [section, node] of sections) {
    for (const item of reader.items(node, section) ?? []) {
      const fields = readShape(reader, item, `an item of ${section}`, NAMED_SHAPE);
      if (!fields) continue;
      const name = fields.text('name');
      if (name === '') reader.complain(item, 'a time interval must have a name');
      if (intervals.has(name)) reader.complain(item, `the time interval ${JSON.stringify(name)} is not unique`);
      intervals.set(
        name,
        fields.list('time_intervals').map((one) => readInterval(reader, one)),
      );
    }
  }
  return intervals;
}

function readInterval(reader: YamlReader, fields: Fields): TimeInterval {
  const spans = (name: string, read: (text: string) => Span) =>
    given(fields, name) &&
    fields.texts(name).flatMap((text) => tried(reader, fields.nodeOf(name), name, () => read(text)) ?? []);
  const location = fields.text('location');
  if (location !== '') tried(reader, fields.nodeOf('location'), 'location', () => checkLocation(location));
  return {
    times: given(fields, 'times') && fields.list('times').flatMap((time) => readTime(reader, time) ?? []),
    weekdays: spans('weekdays', weekdaySpan),
    daysOfMonth: spans('days_of_month', daySpan),
    months: spans('months', monthSpan),
    years: spans('years', yearSpan),
    location: location === '' ? undefined : location,
  };
}

/** An empty list says no more than none. */
function given(fields: Fields, name: string): true | undefined {
  const isGiven = name === 'times' ? fields.list(name).length > 0 : fields.texts(name).length > 0;
  return isGiven || undefined;
}

function readTime(reader: YamlReader, time: Fields): Span | undefined {
  return tried(reader, time.node, 'times', () => timeSpan(time.text('start_time'), time.text('end_time')));
}
