import { Button, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import type { RuleGroup } from '../api/types.ts';
import { useAnswer } from '../api/use-answer.ts';
import { type Choice, FilterBar } from '../page/filter-bar.tsx';
import { PlusIcon } from '../page/icons.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { knownAuthor } from '../silences/author.ts';
import { SilenceList } from '../silences/silence-cards.tsx';
import { SilenceDialog } from '../silences/silence-dialog.tsx';
import { formOf, newForm, type SilenceForm } from '../silences/silence-form.ts';
import { countSilences, filterSilences, sortSilences } from '../silences/silence-list.ts';
import { useTicker } from '../time/use-ticker.ts';
import { alertLists, type AlertList as List, type PageState } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import { AlertList } from './alert-cards.tsx';
import { countStates, filterAlerts, type ListedAlert } from './alert-list.ts';
import styles from './alerts.module.css';
import { askAlerts, type KnownAlerts } from './ask-alerts.ts';
import { addedTo, type Filter, matcherOf, matchersOfLabels, parseFilter } from './matchers.ts';
import { RuleGroupCard } from './rule-cards.tsx';
import { countRules, filterRules, ruleTotal } from './rule-list.ts';

const refreshSeconds = 5;

function Quiet({ groups }: { readonly groups: readonly RuleGroup[] }) {
  const alerting = groups.flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting').length;
  if (alerting === 0) {
    return (
      <Notice title="No alert rules" tall>
        Alerts come from Prometheus rule files. Name one under <code>rules.files</code> in the server's configuration
        and its alerts appear here.
      </Notice>
    );
  }
  return (
    <Notice title="All quiet" tall>
      {alerting} alert {alerting === 1 ? 'rule is' : 'rules are'} watching; none is pending or firing.
    </Notice>
  );
}

function choicesOf({ groups, alerts, silences = [] }: KnownAlerts, show: List): Choice[] {
  const choice = (value: string, count: number): Choice => ({
    value,
    label: value === '' ? 'All' : `${value[0]?.toUpperCase()}${value.slice(1)}`,
    count,
  });
  if (show === 'alerts') {
    const { inhibited, ...counts } = countStates(alerts);
    const told = { '': alerts.length, ...counts, ...(inhibited > 0 && { inhibited }) };
    return Object.entries(told).map(([value, count]) => choice(value, count));
  }
  const counts = show === 'rules' ? countRules(groups) : countSilences(silences);
  const all = show === 'rules' ? ruleTotal(groups) : silences.length;
  return [choice('', all), ...Object.entries(counts).map(([value, count]) => choice(value, count))];
}

interface BodyProps {
  readonly data: KnownAlerts;
  readonly state: PageState;
  readonly filter: Filter;
  readonly now: number;
  readonly onChange: SetPageState;
  readonly onForm: (form: SilenceForm) => void;
  readonly onChanged: () => void;
}

function NoMatch({ onChange }: { readonly onChange: SetPageState }) {
  return (
    <Notice title="Nothing matches">
      <Button size="compact-sm" variant="light" onClick={() => onChange({ state: '', find: '' })}>
        Show all
      </Button>
    </Notice>
  );
}

function Body({ data, state, filter, now, onChange, onForm, onChanged }: BodyProps) {
  const { show } = state;
  if (show === 'alerts') {
    const shown = filterAlerts(data.alerts, state.state, filter);
    if (data.alerts.length === 0) return <Quiet groups={data.groups} />;
    if (shown.length === 0) return <NoMatch onChange={onChange} />;
    const silence = (alert: ListedAlert) => onForm(newForm(matchersOfLabels(alert.labels), knownAuthor()));
    return (
      <AlertList
        alerts={shown}
        now={now}
        onPick={(matcher) => onChange({ find: addedTo(state.find, matcher) })}
        onSilence={data.silences === undefined ? undefined : silence}
        onShowSilence={(id) => onChange({ show: 'silences', state: '', find: id }, 'push')}
      />
    );
  }
  if (show === 'rules') {
    const groups = filterRules(data.groups, state.state, filter);
    if (data.groups.length === 0) return <Quiet groups={data.groups} />;
    if (groups.length === 0) return <NoMatch onChange={onChange} />;
    return (
      <>
        {groups.map((group) => (
          <RuleGroupCard key={`${group.file} ${group.name}`} group={group} now={now} />
        ))}
      </>
    );
  }
  if (data.silences === undefined) {
    return (
      <Notice title="No silences here" tall>
        This server does not answer /api/v2/silences: silences need its notifier.
      </Notice>
    );
  }
  if (data.silences.length === 0) {
    return (
      <Notice title="No silences" tall>
        A silence mutes what matches it for a while: no notification, the alert stays listed. Make one from an alert, or
        with the button above.
      </Notice>
    );
  }
  const shown = filterSilences(sortSilences(data.silences), state.state, filter);
  if (shown.length === 0) return <NoMatch onChange={onChange} />;
  return (
    <div className={styles['plain']}>
      <SilenceList
        silences={shown}
        alerts={data.alerts}
        now={now}
        onEdit={(silence) => onForm(formOf(silence, now, knownAuthor()))}
        onChanged={onChanged}
      />
    </div>
  );
}

const placeholders: Readonly<Record<List, string>> = {
  alerts: 'severity="critical" or words',
  rules: 'Name, expression, label or error',
  silences: 'Matcher, author or comment',
};

interface AlertsViewProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
}

/** What fires and what may soon, the rules behind it, and what is silenced. */
export function AlertsView({ state, onChange }: AlertsViewProps) {
  const { show } = state;
  const now = useTicker(refreshSeconds, true);
  const [changes, setChanges] = useState(0);
  const [form, setForm] = useState<SilenceForm | undefined>(undefined);
  const { data, error } = useAnswer({ question: `alerts ${changes}`, turn: now, ask: askAlerts });
  const filter = parseFilter(state.find);
  const changed = () => setChanges((before) => before + 1);
  const titles: Readonly<Record<List, string>> = {
    alerts: `Alerts${data === undefined ? '' : ` ${data.alerts.length}`}`,
    rules: `Rules${data === undefined ? '' : ` ${ruleTotal(data.groups)}`}`,
    silences: `Silences${data?.silences === undefined ? '' : ` ${countSilences(data.silences).active}`}`,
  };
  return (
    <main className={styles['alerts']}>
      <h1 className="visually-hidden">Alerts</h1>
      {error !== undefined && error.kind !== 'unreachable' && <ErrorNotice error={error} />}
      {data?.problem !== undefined && <ErrorNotice error={data.problem} />}
      {data?.reloadError !== undefined && (
        <p className={styles['broken']} role="alert">
          <b>The rule files cannot be taken over</b>; the rules before stay in force. <code>{data.reloadError}</code>
        </p>
      )}
      <div className={styles['top']}>
        <SegmentedControl
          aria-label="List"
          value={show}
          data={alertLists.map((value) => ({ value, label: titles[value] }))}
          onChange={(value) => onChange({ show: value as List, state: '', find: '' }, 'push')}
        />
        {data?.silences !== undefined && (
          <Button
            variant="default"
            leftSection={<PlusIcon />}
            onClick={() => setForm(newForm([matcherOf('alertname', '=', '')], knownAuthor()))}
          >
            New silence
          </Button>
        )}
      </div>
      {data === undefined && error === undefined && <Notice title="Loading…" tall />}
      {data !== undefined && (
        <>
          <FilterBar
            label={`Filter ${show}`}
            choices={choicesOf(data, show)}
            state={state.state}
            onState={(next) => onChange({ state: next })}
            find={state.find}
            onFind={(find) => onChange({ find })}
            placeholder={placeholders[show]}
            problem={filter.problem}
          />
          <Body
            data={data}
            state={state}
            filter={filter}
            now={now}
            onChange={onChange}
            onForm={setForm}
            onChanged={changed}
          />
        </>
      )}
      {form !== undefined && (
        <SilenceDialog
          begin={form}
          alerts={data?.alerts ?? []}
          onClose={() => setForm(undefined)}
          onSaved={() => {
            setForm(undefined);
            changed();
            onChange({ show: 'silences', state: '', find: '' }, 'push');
          }}
        />
      )}
    </main>
  );
}
