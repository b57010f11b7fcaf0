import { lazy, Suspense, useSyncExternalStore } from 'react';
import { AlertsView } from '../alerts/alerts-view.tsx';
import { buildInfo, listAlerts } from '../api/client.ts';
import { isConnected, onConnection } from '../api/connection.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Overview } from '../overview/overview.tsx';
import { useTicker } from '../time/use-ticker.ts';
import { usePageState } from '../url/use-page-state.ts';
import styles from './app.module.css';
import { Header } from './header.tsx';
import { Notice } from './notice.tsx';

// The editor is half of the page's weight, and the overview doesn't need it: it comes when the query view is opened.
const QueryView = lazy(() => import('../query/query-view.tsx').then((room) => ({ default: room.QueryView })));

/** The count beside "Alerts" is a hint; the view itself is fresher. */
const firingEverySeconds = 15;

export function App() {
  const [state, change] = usePageState();
  const now = useTicker(firingEverySeconds, true);
  const connected = useSyncExternalStore(onConnection, isConnected);
  const build = useAnswer({ question: 'build', turn: 0, ask: buildInfo });
  const firing = useAnswer({
    question: 'firing',
    turn: now,
    ask: async (signal) => {
      const alerts = await listAlerts(signal);
      return alerts.filter((alert) => alert.state === 'firing').length;
    },
  });
  return (
    <>
      <Header
        state={state}
        version={build.data?.version}
        firing={firing.data ?? 0}
        onView={(view) => change({ view }, 'push')}
      />
      {!connected && (
        <div className={styles['offline']} role="alert">
          No answer from {location.host}. What is shown may be old; trying again every few seconds.
        </div>
      )}
      <div className={styles['content']}>
        {state.view === 'overview' && <Overview state={state} onChange={change} />}
        {state.view === 'query' && (
          <Suspense fallback={<Notice title="Loading the editor…" tall />}>
            <QueryView state={state} onChange={change} />
          </Suspense>
        )}
        {state.view === 'alerts' && <AlertsView />}
      </div>
    </>
  );
}
