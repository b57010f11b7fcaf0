import { readValue } from '../api/number.ts';
import type { ApiRule, RuleGroup } from '../api/types.ts';
import { formatValue } from '../format/units.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import { Card } from '../page/card.tsx';
import { LabelList } from '../page/label-list.tsx';
import { StateBadge, type Tone } from '../page/state-badge.tsx';
import { formatAge, secondsSince } from '../time/age.ts';
import { formatDuration } from '../time/duration.ts';
import { exploreLink } from '../url/page-state.ts';
import styles from './alerts.module.css';
import { ruleState } from './rule-list.ts';

const tones: Readonly<Record<string, Tone>> = { firing: 'bad', pending: 'warn', error: 'bad', inactive: 'good' };
/** Alerts of one rule that are named; of more, the number is told. */
const alertsMax = 10;

function evaluated(rule: { readonly lastEvaluation?: string; readonly evaluationTime?: number }, now: number): string {
  const age = secondsSince(rule.lastEvaluation, now);
  if (age === undefined) return 'not evaluated yet';
  const took = rule.evaluationTime === undefined ? '' : `, took ${formatValue(rule.evaluationTime, 'seconds')}`;
  return `evaluated ${formatAge(age)} ago${took}`;
}

function Annotations({ annotations }: { readonly annotations: Readonly<Record<string, string>> }) {
  return (
    <dl className={styles['annotations']}>
      {Object.entries(annotations).map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {/^https?:\/\//i.test(text) ? (
              <a href={text} target="_blank" rel="noreferrer">
                {text}
              </a>
            ) : (
              text
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function RuleRow({ rule, now }: { readonly rule: ApiRule; readonly now: number }) {
  const state = ruleState(rule);
  const alerts = rule.alerts ?? [];
  const times = [
    ...((rule.duration ?? 0) > 0 ? [`for ${formatDuration(rule.duration ?? 0)}`] : []),
    ...((rule.keepFiringFor ?? 0) > 0 ? [`keeps firing for ${formatDuration(rule.keepFiringFor ?? 0)}`] : []),
  ];
  return (
    <li className={styles['rule']} data-state={state}>
      <div className={styles['head']}>
        <StateBadge tone={tones[state] ?? 'quiet'}>{state}</StateBadge>
        <span className={styles['name']}>{rule.name}</span>
        {times.length > 0 && <span className={styles['note']}>{times.join(', ')}</span>}
        {alerts.length > 0 && (
          <span className={styles['note']}>{alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`}</span>
        )}
        <span className={styles['age']}>{evaluated(rule, now)}</span>
      </div>
      <a className={styles['expr']} href={exploreLink(rule.query)} title="Explore this expression">
        <code>{rule.query}</code>
      </a>
      {rule.lastError !== undefined && rule.lastError !== '' && (
        <p className={styles['ruleError']} role="alert">
          {rule.lastError}
        </p>
      )}
      {rule.labels !== undefined && Object.keys(rule.labels).length > 0 && <LabelList labels={rule.labels} />}
      {rule.annotations !== undefined && Object.keys(rule.annotations).length > 0 && (
        <Annotations annotations={rule.annotations} />
      )}
      {alerts.length > 0 && (
        <details className={styles['ofRule']}>
          <summary>{alerts.length === 1 ? 'Its alert' : 'Its alerts'}</summary>
          <ul>
            {alerts.slice(0, alertsMax).map((alert) => (
              <li key={JSON.stringify(alert.labels)}>
                <StateBadge tone={tones[alert.state] ?? 'quiet'}>{alert.state}</StateBadge>
                <LabelList labels={alert.labels} without={['alertname']} />
                <span className={styles['note']}>{formatValue(readValue(alert.value ?? ''), 'number')}</span>
              </li>
            ))}
          </ul>
          {alerts.length > alertsMax && <p>and {alerts.length - alertsMax} more</p>}
        </details>
      )}
    </li>
  );
}

/** A group of rules, in the order they are evaluated. */
export function RuleGroupCard({ group, now }: { readonly group: RuleGroup; readonly now: number }) {
  const every = group.interval === undefined ? '' : `every ${formatDuration(group.interval)}, `;
  return (
    <Card title={group.name} note={`${every}${evaluated(group, now)}`}>
      {group.file !== undefined && <p className={styles['file']}>{group.file}</p>}
      <ul className={styles['rules']} aria-label={`Rules of ${group.name}`} data-arrows="" onKeyDown={arrowsInList}>
        {group.rules.map((rule, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two rules of a group may have one name; their order is fixed.
          <RuleRow key={i} rule={rule} now={now} />
        ))}
      </ul>
    </Card>
  );
}
