import { Button } from '@mantine/core';
import { useState } from 'react';
import { readValue } from '../api/number.ts';
import { formatValue } from '../format/units.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import { LabelList } from '../page/label-list.tsx';
import { StateBadge, type Tone } from '../page/state-badge.tsx';
import { formatAge, secondsSince } from '../time/age.ts';
import type { ListedAlert } from './alert-list.ts';
import styles from './alerts.module.css';
import { runbookOf } from './rule-list.ts';

/** Alerts listed at first; a storm has thousands, and nobody reads them one by one. */
const alertsFirst = 200;

export const alertTones: Readonly<Record<string, Tone>> = { firing: 'bad', pending: 'warn' };

interface AlertRowProps {
  readonly alert: ListedAlert;
  readonly now: number;
  readonly onPick: (matcher: string) => void;
  /** Absent where the server has no silences. */
  readonly onSilence: (() => void) | undefined;
  readonly onShowSilence: (id: string) => void;
}

function AlertRow({ alert, now, onPick, onSilence, onShowSilence }: AlertRowProps) {
  const { labels, annotations, state } = alert;
  const summary = annotations['summary'] ?? annotations['description'];
  const more = annotations['summary'] === undefined ? undefined : annotations['description'];
  const age = secondsSince(alert.since, now);
  const runbook = runbookOf(annotations);
  const source = /^https?:\/\//i.test(alert.generatorUrl ?? '') ? alert.generatorUrl : undefined;
  const silence = alert.silencedBy[0];
  return (
    <li className={styles['alert']} data-state={state}>
      <div className={styles['head']}>
        <StateBadge tone={alertTones[state] ?? 'quiet'}>{state}</StateBadge>
        <span className={styles['name']}>{labels['alertname'] ?? 'unnamed'}</span>
        {alert.foreign && <span className={styles['note']}>from elsewhere</span>}
        <span className={styles['age']} title={alert.since}>
          {age === undefined ? '' : `for ${formatAge(age)}`}
        </span>
      </div>
      {summary !== undefined && <p className={styles['summary']}>{summary}</p>}
      {more !== undefined && <p className={styles['more']}>{more}</p>}
      <div className={styles['labels']}>
        <LabelList labels={labels} without={['alertname']} onPick={onPick} />
        {alert.value !== undefined && alert.value !== '' && (
          <span className={styles['note']}>value {formatValue(readValue(alert.value), 'number')}</span>
        )}
        <span className={styles['does']}>
          {runbook !== undefined && (
            <a href={runbook} target="_blank" rel="noreferrer">
              Runbook
            </a>
          )}
          {source !== undefined && (
            <a href={source} target="_blank" rel="noreferrer">
              Source
            </a>
          )}
          {silence !== undefined && (
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              className="quiet-button"
              onClick={() => onShowSilence(silence)}
            >
              See the silence
            </Button>
          )}
          {silence === undefined && onSilence !== undefined && (
            <Button size="compact-sm" variant="light" onClick={onSilence}>
              Silence
            </Button>
          )}
        </span>
      </div>
    </li>
  );
}

interface AlertListProps extends Omit<AlertRowProps, 'alert' | 'onSilence'> {
  readonly alerts: readonly ListedAlert[];
  readonly onSilence: ((alert: ListedAlert) => void) | undefined;
}

export function AlertList({ alerts, onSilence, ...rest }: AlertListProps) {
  const [all, setAll] = useState(false);
  const shown = all ? alerts : alerts.slice(0, alertsFirst);
  return (
    <>
      <ul className={styles['list']} aria-label="Alerts" data-arrows="" onKeyDown={arrowsInList}>
        {shown.map((alert) => (
          <AlertRow
            key={alert.key}
            alert={alert}
            onSilence={onSilence === undefined ? undefined : () => onSilence(alert)}
            {...rest}
          />
        ))}
      </ul>
      {shown.length < alerts.length && (
        <Button variant="subtle" onClick={() => setAll(true)}>
          Show all {alerts.length.toLocaleString('en')} alerts
        </Button>
      )}
    </>
  );
}
