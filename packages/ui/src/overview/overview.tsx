import { NativeSelect } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { listSeries, queryRange } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { RangeControls } from '../page/range-controls.tsx';
import { defaultRange, windowOf, zoomed } from '../time/range.ts';
import { chooseStep } from '../time/step.ts';
import { useTicker } from '../time/use-ticker.ts';
import type { PageState } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import { Filesystems } from './filesystems.tsx';
import { filledWindow, firstSampleAt } from './filled-window.ts';
import { ofHost } from './host-matchers.ts';
import { chosenHost, hostsOf } from './hosts.ts';
import styles from './overview.module.css';
import { PanelCard } from './panel-card.tsx';
import { panels } from './panels.ts';
import { StatTile } from './stat-tile.tsx';
import { stats } from './stats.ts';

/** Host metrics are scraped this often; asking more often would show nothing new. */
const refreshSeconds = 5;
/** Hosts come and go slowly: the list is renewed once a minute, or with every refresh while there is none. */
const hostsEverySeconds = 60;
/** Where a host's metrics begin is asked once a minute: it only moves out of the window. */
const sinceEverySeconds = 60;
/** A host that stopped is still worth a look for a while. */
const hostsLookbackSeconds = 3600;

interface OverviewProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
}

export function Overview({ state, onChange }: OverviewProps) {
  const { range } = state;
  const [running, setRunning] = useState(true);
  const now = useTicker(refreshSeconds, running);
  const window = useMemo(() => windowOf(range, now), [range, now]);

  const [anyHost, setAnyHost] = useState(false);
  const known = useAnswer({
    question: JSON.stringify([range.end]),
    turn: Math.floor(now / (anyHost ? hostsEverySeconds : refreshSeconds)),
    ask: async (signal) => {
      const start = Math.floor(Math.min(window.start, window.end - hostsLookbackSeconds));
      const found = hostsOf(await listSeries({ match: 'node_load1', start, end: Math.ceil(window.end) }, signal));
      setAnyHost(found.length > 0);
      return found;
    },
  });
  const hosts = known.data ?? [];
  const host = chosenHost(hosts, state.host);

  // Only the shortest range, and only while it follows the clock: whoever asks for a week wants to see the week.
  const mayBeYoung = range.end === null && range.spanSeconds === defaultRange.spanSeconds && host !== undefined;
  const since = useAnswer({
    question: mayBeYoung ? host : null,
    turn: Math.floor(now / sinceEverySeconds),
    subject: host ?? '',
    ask: async (signal) => {
      const stepSeconds = chooseStep(range.spanSeconds);
      const request = { start: Math.floor(window.start), end: Math.ceil(window.end), stepSeconds };
      const answer = await queryRange({ expr: `node_load1${ofHost(host ?? '')}`, ...request }, signal);
      return firstSampleAt(answer.data) ?? null;
    },
  });
  const axis = useMemo(
    () => filledWindow(window, mayBeYoung ? (since.data ?? undefined) : undefined),
    [window, mayBeYoung, since.data],
  );

  const zoom = useCallback(
    (from: number, to: number) => {
      const next = zoomed(from, to);
      if (next !== undefined) onChange({ range: next }, 'push');
    },
    [onChange],
  );

  return (
    <main className={styles['overview']}>
      <div className={styles['toolbar']}>
        <div className={styles['host']}>
          <h1>Host</h1>
          {hosts.length > 1 ? (
            <NativeSelect
              aria-label="Host"
              value={host ?? ''}
              data={hosts}
              onChange={(event) => onChange({ host: event.currentTarget.value }, 'push')}
            />
          ) : (
            <span className={styles['hostName']}>{host}</span>
          )}
        </div>
        <RangeControls
          range={range}
          running={running}
          onRange={(next) => onChange({ range: next })}
          onRunning={setRunning}
        />
      </div>
      {known.error !== undefined && known.error.kind !== 'unreachable' && <ErrorNotice error={known.error} />}
      {host === undefined && known.data !== undefined && (
        <Notice title="No host metrics yet" tall>
          The first values arrive a few seconds after the server starts. If nothing comes, host collection is off: look
          for <code>collector.host</code> in its configuration.
        </Notice>
      )}
      {host !== undefined && (
        <>
          <div className={styles['tiles']}>
            {stats.map((spec) => (
              <StatTile key={spec.id} spec={spec} host={host} at={window.end} />
            ))}
          </div>
          <div className={styles['panels']}>
            {panels.map((spec) => (
              <PanelCard key={spec.id} spec={spec} host={host} range={range} now={now} window={axis} onZoom={zoom} />
            ))}
          </div>
          <Filesystems host={host} at={window.end} />
        </>
      )}
    </main>
  );
}
