import { type Labels, labelsOf, METRIC_NAME } from '@tidemark/model';
import type { Alert } from './alert.ts';
import { type RuleSample, seriesKey } from './written-series.ts';

// The series that say of an alert that it is there, as Prometheus writes them:
//
//   ALERTS{alertname="x", alertstate="pending", ...}            1
//   ALERTS_FOR_STATE{alertname="x", ...}                        Unix seconds since when it is true

const ALERTS = 'ALERTS';
const ALERTS_FOR_STATE = 'ALERTS_FOR_STATE';
export const ALERT_SERIES_NAMES = [ALERTS, ALERTS_FOR_STATE];
const ALERT_STATE = 'alertstate';

interface Named {
  readonly labels: Labels;
  readonly key: string;
}

export class AlertSeries {
  // An alert's labels never change: the names of its series are made once for as long as it lives.
  readonly #named = new WeakMap<Labels, { readonly pending: Named; readonly firing: Named; readonly since: Named }>();

  /** Of pending and firing alerts; by series. */
  of(alerts: Iterable<Alert>): ReadonlyMap<string, RuleSample> {
    const samples = new Map<string, RuleSample>();
    for (const alert of alerts) {
      if (alert.phase === 'resolved') continue;
      const named = this.#namedOf(alert.labels);
      const state = named[alert.phase];
      samples.set(state.key, { ...state, value: 1 });
      samples.set(named.since.key, { ...named.since, value: Math.floor(alert.activeAtMs / 1000) });
    }
    return samples;
  }

  #namedOf(labels: Labels) {
    const known = this.#named.get(labels);
    if (known) return known;
    const made = {
      pending: named(labels, ALERTS, 'pending'),
      firing: named(labels, ALERTS, 'firing'),
      since: named(labels, ALERTS_FOR_STATE, ''),
    };
    this.#named.set(labels, made);
    return made;
  }
}

function named(own: Labels, metricName: string, state: string): Named {
  const over = new Map(own.map(({ name, value }) => [name, value]));
  if (state !== '') over.set(ALERT_STATE, state);
  over.set(METRIC_NAME, metricName);
  const labels = labelsOf([...over].map(([name, value]) => ({ name, value })));
  return { labels, key: seriesKey(labels) };
}
