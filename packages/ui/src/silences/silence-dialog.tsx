import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { affected, type ListedAlert } from '../alerts/alert-list.ts';
import { matcherOf, operatorOf, operators } from '../alerts/matchers.ts';
import { type Matcher, saveSilence } from '../api/alertmanager.ts';
import { type ApiError, asApiError } from '../api/error.ts';
import { nowSeconds } from '../clock.ts';
import { Dialog } from '../page/dialog.tsx';
import { CloseIcon, PlusIcon } from '../page/icons.tsx';
import { LabelList } from '../page/label-list.tsx';
import { ErrorNotice } from '../page/notice.tsx';
import { StateBadge } from '../page/state-badge.tsx';
import { formatMoment } from '../time/format-time.ts';
import { fromLocalTime, toLocalTime } from '../time/local-time.ts';
import { rememberAuthor } from './author.ts';
import { draftOf, endOf, formProblems, lastsChoices, type SilenceForm } from './silence-form.ts';
import styles from './silences.module.css';

/** Alerts named in the preview; of more, the number is told. */
const previewMax = 8;

interface MatcherRowProps {
  readonly matcher: Matcher;
  readonly place: number;
  readonly onChange: (matcher: Matcher) => void;
  readonly onRemove: () => void;
}

function MatcherRow({ matcher, place, onChange, onRemove }: MatcherRowProps) {
  const operator = operatorOf(matcher);
  const nth = place + 1;
  return (
    <li className={styles['matcher']}>
      <TextInput
        size="sm"
        aria-label={`Label of matcher ${nth}`}
        placeholder="label"
        value={matcher.name}
        onChange={(event) => onChange({ ...matcher, name: event.currentTarget.value })}
      />
      <NativeSelect
        size="sm"
        aria-label={`Operator of matcher ${nth}`}
        value={operator}
        data={[...operators]}
        onChange={(event) => {
          const chosen = operators.find((one) => one === event.currentTarget.value) ?? '=';
          onChange(matcherOf(matcher.name, chosen, matcher.value));
        }}
      />
      <TextInput
        size="sm"
        aria-label={`Value of matcher ${nth}`}
        placeholder={matcher.isRegex ? 'regular expression' : 'value'}
        value={matcher.value}
        onChange={(event) => onChange({ ...matcher, value: event.currentTarget.value })}
      />
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Remove matcher ${nth}`} onClick={onRemove}>
        <CloseIcon />
      </ActionIcon>
    </li>
  );
}

function Preview({ alerts, matchers }: { alerts: readonly ListedAlert[]; matchers: readonly Matcher[] }) {
  const found = matchers.length === 0 ? [] : affected(alerts, matchers);
  const words = found.length === 1 ? '1 alert is' : `${found.length} alerts are`;
  return (
    <section className={styles['preview']} aria-label="Affected alerts">
      <h3>{found.length === 0 ? 'No alert is affected now; those to come will be.' : `${words} affected now`}</h3>
      <ul>
        {found.slice(0, previewMax).map((alert) => (
          <li key={alert.key}>
            <StateBadge tone={alert.state === 'firing' ? 'bad' : alert.state === 'pending' ? 'warn' : 'quiet'}>
              {alert.state}
            </StateBadge>
            <b>{alert.labels['alertname'] ?? 'unnamed'}</b>
            <LabelList labels={alert.labels} without={['alertname']} />
          </li>
        ))}
      </ul>
      {found.length > previewMax && <p>and {found.length - previewMax} more</p>}
    </section>
  );
}

interface SilenceDialogProps {
  readonly begin: SilenceForm;
  /** What there is now, for the preview. */
  readonly alerts: readonly ListedAlert[];
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

/** A silence to make, or to change, with what it would mute. */
export function SilenceDialog({ begin, alerts, onSaved, onClose }: SilenceDialogProps) {
  const [form, setForm] = useState(begin);
  const [tried, setTried] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const change = (part: Partial<SilenceForm>) => setForm((before) => ({ ...before, ...part }));
  const problems = formProblems(form);
  const now = nowSeconds();
  const end = endOf(form, now);
  const begun = form.id !== undefined && form.start !== null && form.start <= now;

  const save = async () => {
    setTried(true);
    if (problems.length > 0 || saving) return;
    setSaving(true);
    setError(undefined);
    try {
      await saveSilence(draftOf(form, nowSeconds()));
      rememberAuthor(form.author.trim());
      onSaved();
    } catch (problem) {
      setError(asApiError(problem));
      setSaving(false);
    }
  };
  const setMatcher = (place: number, matcher: Matcher | undefined) =>
    change({
      matchers: form.matchers.flatMap((one, i) => (i !== place ? [one] : matcher === undefined ? [] : [matcher])),
    });

  return (
    <Dialog title={form.id === undefined ? 'Silence alerts' : 'Change the silence'} onClose={onClose} wide>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
        }}
      >
        <fieldset>
          <legend>Alerts whose labels match all of</legend>
          <ul className={styles['matchers']}>
            {form.matchers.map((matcher, i) => (
              <MatcherRow
                // biome-ignore lint/suspicious/noArrayIndexKey: a matcher is its place; its words change as one types.
                key={i}
                matcher={matcher}
                place={i}
                onChange={(next) => setMatcher(i, next)}
                onRemove={() => setMatcher(i, undefined)}
              />
            ))}
          </ul>
          <Button
            size="compact-sm"
            variant="light"
            leftSection={<PlusIcon />}
            onClick={() => change({ matchers: [...form.matchers, matcherOf('', '=', '')] })}
          >
            Add matcher
          </Button>
        </fieldset>
        <div className={styles['fields']}>
          <TextInput
            label="Begins"
            description={begun ? 'already begun' : 'empty: when saved'}
            type="datetime-local"
            disabled={begun}
            value={form.start === null ? '' : toLocalTime(form.start)}
            onChange={(event) => change({ start: fromLocalTime(event.currentTarget.value) ?? null })}
          />
          <div>
            <TextInput
              label={begun ? 'Lasts, from now' : 'Lasts'}
              description={end === undefined ? 'a duration: 30m, 2h, 7d' : `until ${formatMoment(end)}`}
              value={form.lasts}
              onChange={(event) => change({ lasts: event.currentTarget.value })}
            />
            <span className={styles['choices']}>
              {lastsChoices.map((choice) => (
                <Button
                  key={choice}
                  size="compact-xs"
                  variant={form.lasts === choice ? 'light' : 'subtle'}
                  color="gray"
                  onClick={() => change({ lasts: choice })}
                >
                  {choice}
                </Button>
              ))}
            </span>
          </div>
          <TextInput
            label="Who"
            data-first-focus={form.author === '' || undefined}
            value={form.author}
            autoComplete="name"
            onChange={(event) => change({ author: event.currentTarget.value })}
          />
          <TextInput
            label="Why"
            data-first-focus={form.author !== '' || undefined}
            value={form.comment}
            placeholder="What is going on, and where it is tracked"
            onChange={(event) => change({ comment: event.currentTarget.value })}
          />
        </div>
        <Preview alerts={alerts} matchers={form.matchers} />
        {tried && problems.length > 0 && (
          <ul className={styles['problems']} role="alert">
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        )}
        {error !== undefined && <ErrorNotice error={error} />}
        <div className={styles['formFoot']}>
          <Button type="submit" loading={saving}>
            {form.id === undefined ? 'Silence' : 'Save'}
          </Button>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
