// What must be true of everything a notifier sent, found out from what was posted and silenced, and nothing else. It knows the
// configuration of notifier-random.sim.test.ts by heart and imports nothing of the product.

export const CONFIG = `
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 10s
  group_interval: 30s
  repeat_interval: 10m
  routes:
    - {matchers: [severity="page"], receiver: pager, continue: true}
    - {matchers: [team=~"a|b"], receiver: team, group_by: [alertname, team]}
receivers:
  - {name: ops, webhook_configs: [{url: "http://ops/"}]}
  - {name: pager, webhook_configs: [{url: "http://pager/", send_resolved: false}]}
  - {name: team, webhook_configs: [{url: "http://team/"}]}
inhibit_rules:
  - {source_matchers: [severity="page"], target_matchers: [severity="warn"], equal: [instance]}
`;
const WAIT_MS = 10_000;
const INTERVAL_MS = 30_000;
const REPEAT_MS = 600_000;
// Between a decision and its first byte lies a write to the log.
export const LOG_MS_MAX = 2000;

export type Labels = Readonly<Record<string, string>>;

export interface Sent {
  readonly atMs: number;
  readonly receiver: string;
  readonly id: string;
  /** Which process, and which configuration of it. */
  readonly life: number;
  readonly isTaken: boolean;
  readonly manner: 'ok' | 'error' | 'lost' | 'hang';
  readonly payload: {
    readonly groupKey: string;
    readonly alerts: readonly { readonly status: 'firing' | 'resolved'; readonly labels: Labels }[];
  };
}

interface Change {
  readonly atMs: number;
  readonly isFiring: boolean;
}

interface Quiet {
  readonly matchers: Labels;
  readonly fromMs: number;
  untilMs: number;
}

export class Oracle {
  readonly #alerts = new Map<string, { readonly labels: Labels; readonly changes: Change[] }>();
  readonly #silences = new Map<string, Quiet>();
  /** When a process was killed, or told to begin anew. */
  readonly endsOfLives: number[] = [];

  posted(labels: Labels, isFiring: boolean, atMs: number): void {
    const key = keyOf(labels);
    const known = this.#alerts.get(key) ?? { labels, changes: [] };
    this.#alerts.set(key, known);
    known.changes.push({ atMs, isFiring });
  }

  silenced(id: string, matchers: Labels, fromMs: number, untilMs: number): void {
    this.#silences.set(id, { matchers, fromMs, untilMs });
  }

  unsilenced(id: string, atMs: number): void {
    const silence = this.#silences.get(id);
    if (silence) silence.untilMs = Math.min(silence.untilMs, atMs);
  }

  activeSilences(atMs: number): readonly string[] {
    return [...this.#silences].filter(([, { untilMs }]) => untilMs > atMs).map(([id]) => id);
  }

  /** After calm: every receiver knows of every alert what is true, but for those that it may not hear of. */
  checkViews(sent: readonly Sent[], atMs: number): string[] {
    return [...this.#alerts.values()].flatMap(({ labels }) =>
      receiversOf(labels).flatMap((receiver) => {
        if (!this.#isFree(labels, atMs)) return [];
        const view = lastView(sent, receiver, labels);
        const isFiring = this.#fires(labels, atMs);
        if (isFiring && view !== 'firing') return [`${receiver} was not told that ${keyOf(labels)} fires (${view})`];
        if (!isFiring && view === 'firing' && receiver !== 'pager') {
          return [`${receiver} was not told that ${keyOf(labels)} is over`];
        }
        return [];
      }),
    );
  }

  /** A notice comes twice only when nobody could know that it had come. */
  checkDoubles(sent: readonly Sent[]): string[] {
    const last = new Map<string, Sent>();
    return sent.flatMap((one) => {
      const before = last.get(`${one.receiver} ${one.id}`);
      last.set(`${one.receiver} ${one.id}`, one);
      if (before?.manner !== 'ok') return [];
      const wasInFlight = this.endsOfLives.some((ms) => ms >= before.atMs && ms - before.atMs <= LOG_MS_MAX);
      return wasInFlight ? [] : [`${one.receiver} got ${one.id} at ${one.atMs} again, delivered at ${before.atMs}`];
    });
  }

  /** Nothing is told again before its time, unless something is new. */
  checkRepetitions(sent: readonly Sent[]): string[] {
    return this.#consecutive(sent).flatMap(([before, one]) => {
      if (one.receiver === 'pager' || !before.isTaken) return [];
      const isNews = one.payload.alerts.some(
        ({ status, labels }) =>
          status === 'resolved' || lastView(sent.slice(0, sent.indexOf(one)), one.receiver, labels) !== 'firing',
      );
      const isDue = one.atMs - before.atMs >= REPEAT_MS - LOG_MS_MAX;
      return isNews || isDue
        ? []
        : [`${one.receiver} was told nothing new by ${one.id} at ${one.atMs}, after ${before.atMs}`];
    });
  }

  /** A group is quiet for its interval between notices; its first one waits for others. */
  checkTimes(sent: readonly Sent[]): string[] {
    const tooSoon = this.#consecutive(sent).flatMap(([before, one]) => {
      // The first of a life may be one that the life before had begun.
      const isSameLife =
        before.life === one.life && sent.some(({ id, life }) => id === before.id && life === before.life);
      const isResent = sent.some(({ id, life }) => id === before.id && life < before.life);
      if (!isSameLife || isResent) return [];
      const gapMs = one.atMs - before.atMs;
      return gapMs >= INTERVAL_MS - LOG_MS_MAX
        ? []
        : [`${one.payload.groupKey}: ${one.id} only ${gapMs} ms after ${before.id}`];
    });
    const firsts = new Map<string, Sent>();
    for (const one of sent) {
      const key = `${one.receiver} ${one.payload.groupKey}`;
      if (!firsts.has(key)) firsts.set(key, one);
    }
    const early = [...firsts.values()].flatMap((one) => {
      const [{ labels } = { labels: {} }] = one.payload.alerts;
      const waitedMs = one.atMs - this.#beginOfGroup(one.receiver, labels);
      return waitedMs >= WAIT_MS ? [] : [`the first notice of ${one.payload.groupKey} waited only ${waitedMs} ms`];
    });
    return [...tooSoon, ...early];
  }

  /** What is silenced or inhibited is not told, unless it was under way before. */
  checkSuppression(sent: readonly Sent[]): string[] {
    return firstAttempts(sent).flatMap((one) =>
      one.payload.alerts
        .filter(({ labels }) => {
          const moments = [one.atMs, one.atMs - LOG_MS_MAX / 2, one.atMs - LOG_MS_MAX];
          return moments.every((ms) => this.#isSuppressed(labels, ms));
        })
        .map(({ labels }) => `${one.receiver} was told of ${keyOf(labels)} at ${one.atMs}, which is suppressed`),
    );
  }

  #consecutive(sent: readonly Sent[]): readonly (readonly [Sent, Sent])[] {
    const byGroup = Map.groupBy(firstAttempts(sent), ({ receiver, payload }) => `${receiver} ${payload.groupKey}`);
    return [...byGroup.values()].flatMap((list) => list.slice(1).map((one, i) => [list[i] as Sent, one] as const));
  }

  /** Whether nothing suppressed it for as long as it takes to tell it. */
  #isFree(labels: Labels, atMs: number): boolean {
    for (let ms = atMs - 2 * INTERVAL_MS; ms <= atMs; ms += 1000) if (this.#isSuppressed(labels, ms)) return false;
    return true;
  }

  /** When any alert fired first that is in the same group as these labels. */
  #beginOfGroup(receiver: string, labels: Labels): number {
    const by = receiver === 'team' ? ['alertname', 'team'] : ['alertname'];
    const same = [...this.#alerts.values()].filter(
      (other) =>
        receiversOf(other.labels).includes(receiver) && by.every((name) => other.labels[name] === labels[name]),
    );
    return Math.min(...same.map(({ changes }) => changes[0]?.atMs ?? Number.POSITIVE_INFINITY));
  }

  #fires(labels: Labels, atMs: number): boolean {
    const changes = this.#alerts.get(keyOf(labels))?.changes ?? [];
    return changes.filter((change) => change.atMs <= atMs).at(-1)?.isFiring ?? false;
  }

  #isSuppressed(labels: Labels, atMs: number): boolean {
    const isSilenced = [...this.#silences.values()].some(
      ({ matchers, fromMs, untilMs }) =>
        fromMs <= atMs && atMs < untilMs && Object.entries(matchers).every(([name, value]) => labels[name] === value),
    );
    if (isSilenced || labels['severity'] !== 'warn') return isSilenced;
    return [...this.#alerts.values()].some(
      (other) =>
        other.labels['severity'] === 'page' &&
        other.labels['instance'] === labels['instance'] &&
        this.#fires(other.labels, atMs),
    );
  }
}

function receiversOf(labels: Labels): readonly string[] {
  const taken = [
    ...(labels['severity'] === 'page' ? ['pager'] : []),
    ...(labels['team'] === 'a' || labels['team'] === 'b' ? ['team'] : []),
  ];
  return taken.length === 0 ? ['ops'] : taken;
}

function firstAttempts(sent: readonly Sent[]): readonly Sent[] {
  const seen = new Set<string>();
  return sent.filter(({ receiver, id }) => !seen.has(`${receiver} ${id}`) && seen.add(`${receiver} ${id}`));
}

function lastView(sent: readonly Sent[], receiver: string, labels: Labels): 'firing' | 'resolved' | 'nothing' {
  const key = keyOf(labels);
  for (let i = sent.length - 1; i >= 0; i--) {
    const one = sent[i] as Sent;
    if (one.receiver !== receiver || !one.isTaken) continue;
    const mention = one.payload.alerts.find((alert) => keyOf(alert.labels) === key);
    if (mention) return mention.status;
  }
  return 'nothing';
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
