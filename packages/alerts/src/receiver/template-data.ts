import { compareUtf8, type Labels } from '@tidemark/model';
import { GoTime, ZERO_TIME_MS } from '../template/go-time.ts';
import { GoFunction, GoNamed, type GoValue } from '../template/value.ts';
import type { NoticedAlert } from './receiver.ts';

// What templates of mails see: Alertmanager's data, so that templates written for it work here.
//
//   .Receiver .Status .ExternalURL .GroupLabels .CommonLabels .CommonAnnotations
//   .Alerts [.Firing .Resolved]  of  .Status .Labels .Annotations .StartsAt .EndsAt .GeneratorURL .Fingerprint
//
// Labels and annotations are maps with .SortedPairs, .Names, .Values and .Remove; alertname comes first among sorted pairs.

export interface TemplateFile {
  /** Its path, for messages. */
  readonly name: string;
  readonly text: string;
}

export interface TemplateFacts {
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly externalUrl: string;
  readonly alerts: readonly NoticedAlert[];
}

export function templateData({ receiver, groupLabels, externalUrl, alerts }: TemplateFacts): GoNamed {
  return new GoNamed('template.Data', {
    fields: {
      Receiver: receiver,
      Status: statusOf(alerts),
      Alerts: alertList(alerts),
      GroupLabels: keyValues(groupLabels),
      CommonLabels: keyValues(commonPairs(alerts.map((alert) => alert.labels))),
      CommonAnnotations: keyValues(commonPairs(alerts.map((alert) => alert.annotations))),
      ExternalURL: externalUrl,
    },
  });
}

/** Firing as long as one is. */
export function statusOf(alerts: readonly NoticedAlert[]): 'firing' | 'resolved' {
  return alerts.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
}

/** Pairs that all of them have. */
export function commonPairs(lists: readonly Labels[]): Labels {
  const [first, ...rest] = lists;
  return (first ?? []).filter(({ name, value }) =>
    rest.every((list) => list.some((pair) => pair.name === name && pair.value === value)),
  );
}

function alertList(alerts: readonly NoticedAlert[]): GoNamed {
  const only = (status: NoticedAlert['status']) =>
    new GoFunction(
      [],
      () =>
        new GoNamed('[]template.Alert', { items: alerts.filter((alert) => alert.status === status).map(alertValue) }),
    );
  return new GoNamed('template.Alerts', {
    items: alerts.map(alertValue),
    methods: { Firing: only('firing'), Resolved: only('resolved') },
  });
}

function alertValue(alert: NoticedAlert): GoNamed {
  return new GoNamed('template.Alert', {
    fields: {
      Status: alert.status,
      Labels: keyValues(alert.labels),
      Annotations: keyValues(alert.annotations),
      StartsAt: new GoTime(alert.startsAt),
      EndsAt: new GoTime(alert.status === 'firing' ? ZERO_TIME_MS : alert.endsAt),
      GeneratorURL: alert.generatorURL,
      Fingerprint: alert.fingerprint,
    },
  });
}

function keyValues(labels: Labels): GoNamed {
  const entries: ReadonlyMap<string, GoValue> = new Map(labels.map(({ name, value }) => [name, value]));
  const list = (part: (pair: Labels[number]) => string) => new GoFunction([], () => sortedPairs(labels).map(part));
  return new GoNamed('template.KV', {
    entries,
    zero: '',
    methods: {
      SortedPairs: new GoFunction([], () => pairList(sortedPairs(labels))),
      Names: list(({ name }) => name),
      Values: list(({ value }) => value),
      Remove: new GoFunction(['[]string'], ([names]) =>
        keyValues(labels.filter(({ name }) => !(names as readonly string[]).includes(name))),
      ),
      String: new GoFunction([], () => textOf(sortedPairs(labels))),
    },
    text: () => textOf(sortedPairs(labels)),
  });
}

function pairList(pairs: Labels): GoNamed {
  const list = (part: (pair: Labels[number]) => string) => new GoFunction([], () => pairs.map(part));
  return new GoNamed('template.Pairs', {
    items: pairs.map(({ name, value }) => new GoNamed('template.Pair', { fields: { Name: name, Value: value } })),
    methods: {
      Names: list(({ name }) => name),
      Values: list(({ value }) => value),
      String: new GoFunction([], () => textOf(pairs)),
    },
  });
}

function sortedPairs(labels: Labels): Labels {
  const rank = (name: string) => (name === 'alertname' ? 0 : 1);
  return [...labels].sort((a, b) => rank(a.name) - rank(b.name) || compareUtf8(a.name, b.name));
}

function textOf(pairs: Labels): string {
  return pairs.map(({ name, value }) => `${name}=${value}`).join(', ');
}
