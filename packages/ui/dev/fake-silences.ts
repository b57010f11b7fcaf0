import { randomUUID } from 'node:crypto';
import { fakeAlerts } from './fake-alerts.ts';

// Alertmanager's API v2 over silences that live as long as this process: GET and POST silences, GET and DELETE a silence,
// GET alerts. Refusals are JSON strings, as Alertmanager's are.

interface Matcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual?: boolean;
}

interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

export interface V2Reply {
  readonly status: number;
  readonly body?: unknown;
}

function stateOf({ startsAt, endsAt }: Silence): string {
  const now = Date.now();
  if (Date.parse(endsAt) <= now) return 'expired';
  return Date.parse(startsAt) > now ? 'pending' : 'active';
}

const matches = ({ name, value, isRegex, isEqual = true }: Matcher, labels: Record<string, string>) =>
  (isRegex ? new RegExp(`^(?:${value})$`).test(labels[name] ?? '') : (labels[name] ?? '') === value) === isEqual;

function refusal(draft: Partial<Silence>): string | undefined {
  if (!draft.matchers || draft.matchers.length === 0) return 'invalid silence: at least one matcher required';
  if (draft.matchers.every((matcher) => matches(matcher, {})))
    return 'invalid silence: at least one matcher must not match the empty string';
  if (Date.parse(draft.endsAt ?? '') <= Date.now()) return "failed to create silence: end time can't be in the past";
  return undefined;
}

/** A memory of silences, with one that is over and one in force. */
export class FakeSilences {
  readonly #silences = new Map<string, Silence>();

  constructor() {
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const by = { createdBy: 'Mina', updatedAt: at(-30) };
    const matcher = (name: string, value: string, isRegex = false) => ({ name, value, isRegex, isEqual: true });
    for (const silence of [
      {
        ...by,
        matchers: [matcher('instance', 'web-.*', true)],
        comment: 'kernel update of the web tier',
        hours: [-30, -28],
      },
      { ...by, matchers: [matcher('team', 'batch')], comment: 'nightly jobs move to the new cluster', hours: [-1, 5] },
    ]) {
      const { hours, ...rest } = silence;
      const id = randomUUID();
      this.#silences.set(id, { id, ...rest, startsAt: at(hours[0] ?? 0), endsAt: at(hours[1] ?? 0) });
    }
  }

  #told(silence: Silence) {
    return { ...silence, status: { state: stateOf(silence) } };
  }

  #save(draft: Partial<Silence>): V2Reply {
    const reason = refusal(draft);
    if (reason !== undefined) return { status: 400, body: reason };
    if (draft.id !== undefined && !this.#silences.has(draft.id)) return { status: 404, body: 'silence not found' };
    const id = draft.id ?? randomUUID();
    this.#silences.set(id, { ...(draft as Silence), id, updatedAt: new Date().toISOString() });
    return { status: 200, body: { silenceID: id } };
  }

  #expire(id: string): V2Reply {
    const silence = this.#silences.get(id);
    if (silence === undefined) return { status: 404 };
    this.#silences.set(id, { ...silence, endsAt: new Date().toISOString() });
    return { status: 200 };
  }

  #alerts() {
    const active = [...this.#silences.values()].filter((silence) => stateOf(silence) === 'active');
    return fakeAlerts()
      .filter((alert) => alert.state === 'firing')
      .map(({ labels, annotations, activeAt }) => {
        const silencedBy = active
          .filter((silence) => silence.matchers.every((matcher) => matches(matcher, labels)))
          .map(({ id }) => id);
        return {
          labels,
          annotations,
          startsAt: activeAt,
          endsAt: activeAt,
          updatedAt: activeAt,
          fingerprint: labels['alertname'],
          receivers: [{ name: 'oncall' }],
          status: { state: silencedBy.length > 0 ? 'suppressed' : 'active', silencedBy, inhibitedBy: [], mutedBy: [] },
        };
      });
  }

  answer(method: string, path: string, body: string): V2Reply {
    const one = /^silence\/(.+)$/.exec(path)?.[1];
    if (path === 'silences' && method === 'POST') return this.#save(JSON.parse(body) as Partial<Silence>);
    if (path === 'silences') return { status: 200, body: [...this.#silences.values()].map((one) => this.#told(one)) };
    if (path === 'alerts') return { status: 200, body: this.#alerts() };
    if (one !== undefined && method === 'DELETE') return this.#expire(one);
    const found = one === undefined ? undefined : this.#silences.get(one);
    return found === undefined ? { status: 404 } : { status: 200, body: this.#told(found) };
  }
}
