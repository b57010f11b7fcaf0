import { Button } from '@mantine/core';
import { useState } from 'react';
import { type ActiveTarget, type DroppedTarget, listTargets, type Targets } from '../api/targets.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatValue } from '../format/units.ts';
import { arrowsInList } from '../page/arrow-list.ts';
import { Card } from '../page/card.tsx';
import { FilterBar } from '../page/filter-bar.tsx';
import { LabelList } from '../page/label-list.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { StateBadge, type Tone } from '../page/state-badge.tsx';
import { formatAge, secondsSince } from '../time/age.ts';
import { useTicker } from '../time/use-ticker.ts';
import type { PageState } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import { AddTarget } from './add-target.tsx';
import { countHealth, droppedMatching, type Job, jobsOf } from './target-list.ts';
import styles from './targets.module.css';

const refreshSeconds = 5;
/** Targets of a job shown at first; the reader may ask for the rest. */
const targetsFirst = 100;
const droppedFirst = 50;

const tones: Readonly<Record<string, Tone>> = { up: 'good', down: 'bad' };

function TargetRow({ target, now, onFind }: { target: ActiveTarget; now: number; onFind: (find: string) => void }) {
  const [open, setOpen] = useState(false);
  const age = secondsSince(target.lastScrape, now);
  return (
    <li className={styles['target']} data-health={target.health}>
      <div className={styles['main']}>
        <StateBadge tone={tones[target.health] ?? 'quiet'}>{target.health}</StateBadge>
        <a className={styles['url']} href={target.scrapeUrl} target="_blank" rel="noreferrer">
          {target.scrapeUrl}
        </a>
        <span className={styles['figures']}>
          <span title={`Last scrape: ${target.lastScrape}`}>
            {age === undefined ? 'not yet' : `${formatAge(age)} ago`}
          </span>
          <span title="How long the last scrape took">
            {age === undefined ? '–' : formatValue(target.lastScrapeDuration, 'seconds')}
          </span>
          <span title="Interval">{target.scrapeInterval === undefined ? '' : `every ${target.scrapeInterval}`}</span>
        </span>
      </div>
      {target.lastError !== '' && <p className={styles['error']}>{target.lastError}</p>}
      <div className={styles['labels']}>
        <LabelList labels={target.labels} onPick={onFind} />
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          className="quiet-button"
          aria-expanded={open}
          onClick={() => setOpen((before) => !before)}
        >
          {open ? 'Hide discovered labels' : 'Discovered labels'}
        </Button>
      </div>
      {open && (
        <div className={styles['discovered']}>
          <LabelList labels={target.discoveredLabels} />
        </div>
      )}
    </li>
  );
}

function JobCard({ job, now, onFind }: { job: Job; now: number; onFind: (find: string) => void }) {
  const [all, setAll] = useState(false);
  const shown = all ? job.targets : job.targets.slice(0, targetsFirst);
  const counts = [
    `${job.up} of ${job.up + job.down + job.unknown} up`,
    ...(job.unknown > 0 ? [`${job.unknown} not scraped yet`] : []),
  ];
  return (
    <Card title={job.name} note={<span data-bad={job.down > 0 || undefined}>{counts.join(', ')}</span>}>
      <ul className={styles['list']} data-arrows="" onKeyDown={arrowsInList}>
        {shown.map((target) => (
          <TargetRow
            key={`${target.scrapeUrl} ${JSON.stringify(target.labels)}`}
            target={target}
            now={now}
            onFind={onFind}
          />
        ))}
      </ul>
      {shown.length < job.targets.length && (
        <Button variant="subtle" onClick={() => setAll(true)}>
          Show all {job.targets.length.toLocaleString('en')} targets
        </Button>
      )}
    </Card>
  );
}

function DroppedCard({ targets, total }: { targets: readonly DroppedTarget[]; total: number }) {
  const [all, setAll] = useState(false);
  const shown = all ? targets : targets.slice(0, droppedFirst);
  return (
    <Card
      title="Dropped by relabelling"
      note={total > targets.length ? `${targets.length} of ${total} shown` : `${total}`}
    >
      <ul className={styles['list']}>
        {shown.map((target, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two dropped targets may be equal in every word.
          <li key={i} className={styles['target']}>
            <div className={styles['main']}>
              <StateBadge tone="quiet">dropped</StateBadge>
              <span className={styles['url']}>{target.discoveredLabels['__address__'] ?? 'without address'}</span>
              <span className={styles['job']}>{target.scrapePool}</span>
            </div>
            <LabelList labels={target.discoveredLabels} without={['__address__']} />
          </li>
        ))}
      </ul>
      {shown.length < targets.length && (
        <Button variant="subtle" onClick={() => setAll(true)}>
          Show all {targets.length.toLocaleString('en')}
        </Button>
      )}
    </Card>
  );
}

interface TargetsViewProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
}

function Found({ data, now, state, onChange }: TargetsViewProps & { readonly data: Targets; readonly now: number }) {
  const counts = countHealth(data);
  const jobs = state.state === 'dropped' ? [] : jobsOf(data.active, state.state, state.find);
  const dropped = state.state === '' || state.state === 'dropped' ? droppedMatching(data.dropped, state.find) : [];
  const onFind = (find: string) => onChange({ find });
  return (
    <>
      <FilterBar
        label="Filter targets"
        choices={[
          { value: '', label: 'All', count: counts.all },
          { value: 'up', label: 'Up', count: counts.up },
          { value: 'down', label: 'Down', count: counts.down },
          { value: 'unknown', label: 'Unknown', count: counts.unknown },
          { value: 'dropped', label: 'Dropped', count: counts.dropped },
        ]}
        state={state.state}
        onState={(next) => onChange({ state: next })}
        find={state.find}
        onFind={onFind}
        placeholder="Job, address, label or error"
      />
      {jobs.map((job) => (
        <JobCard key={job.name} job={job} now={now} onFind={onFind} />
      ))}
      {dropped.length > 0 && <DroppedCard targets={dropped} total={counts.dropped} />}
      {jobs.length === 0 && dropped.length === 0 && (
        <Notice title="No target matches">
          <Button size="compact-sm" variant="light" onClick={() => onChange({ state: '', find: '' })}>
            Show all
          </Button>
        </Notice>
      )}
    </>
  );
}

/** What is scraped, and how it goes. */
export function TargetsView({ state, onChange }: TargetsViewProps) {
  const now = useTicker(refreshSeconds, true);
  const { data, error } = useAnswer({ question: 'targets', turn: now, ask: listTargets });
  const none = data !== undefined && data.active.length === 0 && countHealth(data).dropped === 0;
  return (
    <main className={styles['targets']}>
      <h1 className="visually-hidden">Targets</h1>
      {error !== undefined && error.kind !== 'unreachable' && <ErrorNotice error={error} />}
      {data === undefined && error === undefined && <Notice title="Loading…" tall />}
      {none && <AddTarget />}
      {data !== undefined && !none && <Found data={data} now={now} state={state} onChange={onChange} />}
    </main>
  );
}
