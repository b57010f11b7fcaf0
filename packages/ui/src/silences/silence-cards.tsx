import { Button } from '@mantine/core';
import { useState } from 'react';
import { affected, type ListedAlert } from '../alerts/alert-list.ts';
import { formatMatcher } from '../alerts/matchers.ts';
import { expireSilence, type Silence } from '../api/alertmanager.ts';
import { type ApiError, asApiError } from '../api/error.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import { ErrorNotice } from '../page/notice.tsx';
import { StateBadge, type Tone } from '../page/state-badge.tsx';
import { formatAge } from '../time/age.ts';
import { formatMoment } from '../time/format-time.ts';
import styles from './silences.module.css';

/** After this the question whether to expire is taken back. */
const confirmMs = 5000;
const tones: Readonly<Record<string, Tone>> = { active: 'good', pending: 'warn' };

/** A button that asks before it does what can't be undone. */
function ExpireButton({ onExpire }: { readonly onExpire: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const press = async () => {
    if (!asking) {
      setAsking(true);
      setTimeout(() => setAsking(false), confirmMs);
      return;
    }
    setBusy(true);
    await onExpire();
    setBusy(false);
  };
  return (
    <Button size="compact-sm" variant="light" color="red" loading={busy} onClick={() => void press()}>
      {asking ? 'Really expire?' : 'Expire'}
    </Button>
  );
}

interface SilenceRowProps {
  readonly silence: Silence;
  readonly alerts: readonly ListedAlert[];
  readonly now: number;
  readonly onEdit: () => void;
  readonly onChanged: () => void;
}

function when({ status, startsAt, endsAt }: Silence, now: number): string {
  const [start, end] = [Date.parse(startsAt) / 1000, Date.parse(endsAt) / 1000];
  if (status.state === 'expired') return `ended ${formatAge(Math.max(0, now - end))} ago`;
  if (status.state === 'pending') return `begins in ${formatAge(Math.max(0, start - now))}`;
  return `ends in ${formatAge(Math.max(0, end - now))}`;
}

function SilenceRow({ silence, alerts, now, onEdit, onChanged }: SilenceRowProps) {
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const { state } = silence.status;
  const muted = state === 'expired' ? 0 : affected(alerts, silence.matchers).length;
  const expire = async () => {
    try {
      await expireSilence(silence.id);
      onChanged();
    } catch (problem) {
      setError(asApiError(problem));
    }
  };
  return (
    <li className={styles['silence']} data-state={state}>
      <div className={styles['silenceHead']}>
        <StateBadge tone={tones[state] ?? 'quiet'}>{state}</StateBadge>
        <span className={styles['matcherText']}>
          {silence.matchers.map((matcher) => (
            <code key={formatMatcher(matcher)}>{formatMatcher(matcher)}</code>
          ))}
        </span>
        <span
          className={styles['when']}
          title={`${formatMoment(Date.parse(silence.startsAt) / 1000)} – ${formatMoment(Date.parse(silence.endsAt) / 1000)}`}
        >
          {when(silence, now)}
        </span>
      </div>
      <p className={styles['why']}>
        {silence.comment} <span>{silence.createdBy}</span>
      </p>
      <div className={styles['silenceFoot']}>
        {state !== 'expired' && (
          <span>{muted === 1 ? '1 alert matches now' : `${muted.toLocaleString('en')} alerts match now`}</span>
        )}
        <Button size="compact-sm" variant="light" onClick={onEdit}>
          {state === 'expired' ? 'Silence again' : 'Edit'}
        </Button>
        {state !== 'expired' && <ExpireButton onExpire={expire} />}
      </div>
      {error !== undefined && <ErrorNotice error={error} />}
    </li>
  );
}

interface SilenceListProps {
  readonly silences: readonly Silence[];
  readonly alerts: readonly ListedAlert[];
  readonly now: number;
  readonly onEdit: (silence: Silence) => void;
  readonly onChanged: () => void;
}

export function SilenceList({ silences, alerts, now, onEdit, onChanged }: SilenceListProps) {
  return (
    <ul className={styles['silences']} aria-label="Silences" data-arrows="" onKeyDown={arrowsInList}>
      {silences.map((silence) => (
        <SilenceRow
          key={silence.id}
          silence={silence}
          alerts={alerts}
          now={now}
          onEdit={() => onEdit(silence)}
          onChanged={onChanged}
        />
      ))}
    </ul>
  );
}
