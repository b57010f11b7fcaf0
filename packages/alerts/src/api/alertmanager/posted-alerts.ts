import { type Label, labelsOf } from '@tidemark/model';
import type { PostedAlert } from '../../notifier/posted-alerts.ts';
import { isObject, type Json, pairsField, parseBody, textField, timeField } from './body.ts';
import { ApiRefusal, malformed, missing } from './refusal.ts';

// The body of `POST /api/v2/alerts`. Those alerts that are valid are taken even if others are not.

export interface PostedBody {
  readonly alerts: readonly PostedAlert[];
  /** What is wrong with the others. */
  readonly problems: readonly string[];
}

const WHAT = 'alerts';
const SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Throws `ApiRefusal` when the body as a whole cannot be read. */
export function readPostedAlerts(text: string, nowMs: number, resolveTimeoutMs: number): PostedBody {
  const body = parseBody(text, WHAT);
  if (!Array.isArray(body)) throw malformed(WHAT, 'it must be a list of alerts');
  const alerts: PostedAlert[] = [];
  const problems: string[] = [];
  body.forEach((item, i) => {
    if (!isObject(item)) throw malformed(WHAT, `alert ${i} must be an object`);
    const labels = pairsField(item, 'labels', WHAT);
    if (labels === undefined) throw missing(`${i}.labels`);
    const read = readAlert(item, labels, nowMs, resolveTimeoutMs);
    if (typeof read === 'string') problems.push(read);
    else alerts.push(read);
  });
  return { alerts, problems };
}

function readAlert(
  item: Json,
  labels: readonly Label[],
  nowMs: number,
  resolveTimeoutMs: number,
): PostedAlert | string {
  const annotations = pairsField(item, 'annotations', WHAT) ?? [];
  const generatorURL = textField(item, 'generatorURL', WHAT);
  if (generatorURL !== '' && /[\s<>]|%(?![0-9a-fA-F]{2})/.test(generatorURL)) {
    throw new ApiRefusal(422, {
      code: 601,
      message: `generatorURL in body must be of type uri: ${JSON.stringify(generatorURL)}`,
    });
  }
  const start = timeField(item, 'startsAt', WHAT);
  const end = timeField(item, 'endsAt', WHAT);
  const startsAt = start ?? end ?? nowMs;
  const endsAt = end ?? nowMs + resolveTimeoutMs;
  const problem =
    endsAt < startsAt && end !== undefined
      ? 'start time must be before end time'
      : (nameProblem('label set', labels) ?? nameProblem('annotations', annotations));
  if (problem !== undefined) return problem;
  const kept = labelsOf(labels);
  if (kept.length === 0) return 'at least one label pair required';
  return { labels: kept, annotations: labelsOfAll(annotations), startsAt, endsAt, generatorURL };
}

function nameProblem(what: string, pairs: readonly Label[]): string | undefined {
  for (const { name, value } of pairs) {
    if (name === '' || SURROGATE.test(name)) return `invalid ${what}: invalid name ${JSON.stringify(name)}`;
    if (SURROGATE.test(value)) return `invalid ${what}: invalid value ${JSON.stringify(value)}`;
  }
  return undefined;
}

/** Sorted like labels, but empty values stay: annotations may have them. */
function labelsOfAll(pairs: readonly Label[]): readonly Label[] {
  const empty = pairs.filter(({ value }) => value === '');
  return [...labelsOf(pairs), ...empty].sort((a, b) => (a.name < b.name ? -1 : 1));
}
