import { expect, test } from 'vitest';
import { readAlertmanagerFile } from './alertmanager-file.ts';
import { isWithin } from './time-interval.ts';

/** The one interval of a file that says it. */
function interval(text: string) {
  const file = `route: {receiver: a}\nreceivers: [{name: a}]\ntime_intervals:\n  - name: n\n    time_intervals: [${text}]\n`;
  const { plan, errors } = readAlertmanagerFile('f', file);
  const [found] = plan?.timeIntervals.get('n') ?? [];
  if (!found) throw new Error(errors.join('\n'));
  return found;
}

test.each([
  // 2024-02-29 is a Thursday, the last day of a leap February.
  ['{}', '2024-02-29T12:00:00Z', true],
  ['{times: [{start_time: "09:00", end_time: "17:00"}]}', '2024-02-29T08:59:59Z', false],
  ['{times: [{start_time: "09:00", end_time: "17:00"}]}', '2024-02-29T09:00:00Z', true],
  ['{times: [{start_time: "09:00", end_time: "17:00"}]}', '2024-02-29T16:59:59Z', true],
  ['{times: [{start_time: "09:00", end_time: "17:00"}]}', '2024-02-29T17:00:00Z', false],
  ['{times: [{start_time: "22:00", end_time: "24:00"}]}', '2024-02-29T23:59:59Z', true],
  ['{weekdays: ["monday:friday"]}', '2024-02-29T00:00:00Z', true],
  ['{weekdays: ["monday:friday"]}', '2024-03-02T00:00:00Z', false],
  ['{weekdays: ["Saturday", "sunday"]}', '2024-03-03T00:00:00Z', true],
  ['{days_of_month: ["-1"]}', '2024-02-29T00:00:00Z', true],
  ['{days_of_month: ["-1"]}', '2024-02-28T00:00:00Z', false],
  ['{days_of_month: ["-1"]}', '2023-02-28T00:00:00Z', true],
  ['{days_of_month: ["1:5", "28:-1"]}', '2024-03-30T00:00:00Z', true],
  ['{days_of_month: ["1:5", "28:-1"]}', '2024-03-27T00:00:00Z', false],
  ['{days_of_month: ["31"]}', '2024-02-29T00:00:00Z', false],
  ['{days_of_month: ["29:31"]}', '2024-02-29T00:00:00Z', true],
  ['{months: ["january:march"]}', '2024-02-29T00:00:00Z', true],
  ['{months: ["4:12"]}', '2024-02-29T00:00:00Z', false],
  ['{years: ["2020:2023", "2025"]}', '2024-02-29T00:00:00Z', false],
  ['{years: ["2020:2024"]}', '2024-02-29T00:00:00Z', true],
  ['{weekdays: ["friday"], location: "Asia/Tokyo"}', '2024-02-29T15:00:00Z', true],
  ['{times: [{start_time: "09:00", end_time: "10:00"}], location: "Europe/Berlin"}', '2024-07-01T07:30:00Z', true],
  ['{times: [{start_time: "09:00", end_time: "10:00"}], location: "Europe/Berlin"}', '2024-01-01T07:30:00Z', false],
  ['{times: [{start_time: "09:00", end_time: "10:00"}], weekdays: ["sunday"]}', '2024-02-29T09:30:00Z', false],
])('%s at %s: %s', (text, at, expected) => {
  expect(isWithin(interval(text), Date.parse(at))).toBe(expected);
});

test.each([
  '{times: [{start_time: "17:00", end_time: "09:00"}]}',
  '{times: [{start_time: "9:00", end_time: "10:00"}]}',
  '{times: [{start_time: "09:00", end_time: "24:01"}]}',
  '{weekdays: ["friday:monday"]}',
  '{days_of_month: ["0"]}',
  '{days_of_month: ["32"]}',
  '{days_of_month: ["5:1"]}',
  '{days_of_month: ["-1:3"]}',
  '{months: ["13"]}',
  '{months: ["may:april"]}',
  '{years: ["2024:2020"]}',
  '{years: ["next"]}',
])('%s is refused', (text) => {
  expect(() => interval(text)).toThrow('f:5: ');
});
