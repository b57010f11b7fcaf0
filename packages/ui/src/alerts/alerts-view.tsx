import { listAlerts, listRuleGroups } from '../api/client.ts';
import { readValue } from '../api/number.ts';
import type { ApiAlert } from '../api/types.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatValue } from '../format/units.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { useTicker } from '../time/use-ticker.ts';
import { activeSeconds, countRules, formatAge, type RuleCounts, sortAlerts } from './alert-list.ts';
import styles from './alerts.module.css';

const refreshSeconds = 5;

function AlertRow({ alert, now }: { readonly alert: ApiAlert; readonly now: number }) {
  const { alertname = 'unnamed', ...labels } = alert.labels;
  const summary = alert.annotations?.['summary'] ?? alert.annotations?.['description'];
  const age = activeSeconds(alert, now);
  return (
    <li className={styles['alert']} data-state={alert.state}>
      <div className={styles['head']}>
        <span className={styles['state']}>{alert.state}</span>
        <span className={styles['name']}>{alertname}</span>
        <span className={styles['age']}>{age === undefined ? '' : `for ${formatAge(age)}`}</span>
      </div>
      {summary !== undefined && <p className={styles['summary']}>{summary}</p>}
      <div className={styles['labels']}>
        {Object.entries(labels).map(([name, value]) => (
          <span key={name} className={styles['label']}>
            <i>{name}</i> {value}
          </span>
        ))}
        {alert.value !== undefined && alert.value !== '' && (
          <span className={styles['label']}>
            <i>value</i> {formatValue(readValue(alert.value), 'number')}
          </span>
        )}
      </div>
    </li>
  );
}

function Quiet({ rules }: { readonly rules: RuleCounts }) {
  if (rules.alerting === 0) {
    return (
      <Notice title="No alert rules" tall>
        Alerts come from Prometheus rule files. Name one in the server's configuration and its alerts appear here.
      </Notice>
    );
  }
  const one = rules.alerting === 1;
  return (
    <Notice title="All quiet" tall>
      {rules.alerting} alert {one ? 'rule is' : 'rules are'} watching; none is pending or firing.
    </Notice>
  );
}

/** What fires, what may soon, and which rules can't be evaluated. */
export function AlertsView() {
  const now = useTicker(refreshSeconds, true);
  const { data, error, loading } = useAnswer({
    question: 'alerts',
    turn: now,
    ask: async (signal) => {
      const [alerts, groups] = await Promise.all([listAlerts(signal), listRuleGroups(signal)]);
      return { alerts: sortAlerts(alerts), rules: countRules(groups) };
    },
  });
  return (
    <main className={styles['alerts']}>
      <h1 className="visually-hidden">Alerts</h1>
      {error !== undefined && error.kind !== 'unreachable' && <ErrorNotice error={error} />}
      {data?.rules.broken.map((rule) => (
        <p key={rule.name} className={styles['broken']} role="alert">
          Rule <b>{rule.name}</b> cannot be evaluated: {rule.reason}
        </p>
      ))}
      <Card
        title="Alerts"
        busy={loading}
        note={
          data === undefined ? undefined : `${data.rules.alerting} alerting, ${data.rules.recording} recording rules`
        }
      >
        {data === undefined && error === undefined && <Notice title="Loading…" tall />}
        {data !== undefined && data.alerts.length === 0 && <Quiet rules={data.rules} />}
        <ul className={styles['list']}>
          {data?.alerts.map((alert) => (
            <AlertRow key={JSON.stringify(alert.labels)} alert={alert} now={now} />
          ))}
        </ul>
      </Card>
    </main>
  );
}
