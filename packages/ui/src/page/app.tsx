import { lazy, Suspense, useState, useSyncExternalStore } from 'react';
import { countStates } from '../alerts/alert-list.ts';
import { AlertsView } from '../alerts/alerts-view.tsx';
import { askAlerts } from '../alerts/ask-alerts.ts';
import { isConnected, onConnection } from '../api/connection.ts';
import { buildInfo } from '../api/status.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Overview } from '../overview/overview.tsx';
import { StatusView } from '../status/status-view.tsx';
import { TargetsView } from '../targets/targets-view.tsx';
import { useTicker } from '../time/use-ticker.ts';
import { onView, type View } from '../url/page-state.ts';
import { usePageState } from '../url/use-page-state.ts';
import styles from './app.module.css';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { Notice } from './notice.tsx';
import { useShortcut, useShortcutKeys } from './shortcuts.ts';

// The editor is half of the page's weight, and the other views don't need it: it comes when explore is opened.
const ExploreView = lazy(() => import('../explore/explore-view.tsx').then((room) => ({ default: room.ExploreView })));

/** The count beside "Alerts" is a hint; the view itself is fresher. */
const firingEverySeconds = 15;

/** Into the field that finds things on this view: its filter, or the editor. */
function focusSearch(): void {
  document.querySelector<HTMLElement>('[data-search], .cm-content')?.focus();
}

export function App() {
  const [state, change] = usePageState();
  const [help, setHelp] = useState(false);
  const open = (view: View) => change(onView(state, view), 'push');
  useShortcutKeys();
  useShortcut('?', () => setHelp(true));
  useShortcut('/', focusSearch);
  useShortcut('g o', () => open('overview'));
  useShortcut('g e', () => open('explore'));
  useShortcut('g t', () => open('targets'));
  useShortcut('g a', () => open('alerts'));
  useShortcut('g s', () => open('status'));
  const now = useTicker(firingEverySeconds, true);
  const connected = useSyncExternalStore(onConnection, isConnected);
  const build = useAnswer({ question: 'build', turn: 0, ask: buildInfo });
  const firing = useAnswer({
    question: 'firing',
    turn: now,
    // What is silenced or inhibited calls nobody.
    ask: async (signal) => countStates((await askAlerts(signal)).alerts).firing,
  });
  return (
    <>
      <Header
        state={state}
        version={build.data?.tidemarkVersion ?? build.data?.version}
        firing={firing.data ?? 0}
        onView={open}
        onHelp={() => setHelp(true)}
      />
      {!connected && (
        <div className={styles['offline']} role="alert">
          No answer from {location.host}. What is shown may be old; trying again every few seconds.
        </div>
      )}
      <div className={styles['content']}>
        {state.view === 'overview' && <Overview state={state} onChange={change} />}
        {state.view === 'explore' && (
          <Suspense fallback={<Notice title="Loading the editor…" tall />}>
            <ExploreView state={state} onChange={change} />
          </Suspense>
        )}
        {state.view === 'targets' && <TargetsView state={state} onChange={change} />}
        {state.view === 'alerts' && <AlertsView state={state} onChange={change} />}
        {state.view === 'status' && <StatusView />}
      </div>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}
