import { useMemo, useRef } from 'react';
import { ownMetrics, storageStatus } from '../api/status.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { useTicker } from '../time/use-ticker.ts';
import { CardinalityCards } from './cardinality.tsx';
import { parseExposition } from './exposition.ts';
import { type Look, lookAt, recentRate, withLook } from './intake.ts';
import { IntakeTiles } from './intake-tiles.tsx';
import { ServerCards } from './server-cards.tsx';
import styles from './status.module.css';
import { StorageCards } from './storage-cards.tsx';

const refreshSeconds = 5;

function Refused({ looks }: { readonly looks: readonly Look[] }) {
  const last = looks.at(-1);
  const reasons = [...(last?.refused ?? [])].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  return (
    <Card title="Samples refused" note="since the server started">
      {last === undefined && <Notice title="Loading…" />}
      {last !== undefined && reasons.length === 0 && <Notice title="None">Every sample that came was taken.</Notice>}
      {reasons.length > 0 && (
        <div className={styles['scroll']}>
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">Samples</th>
                <th scope="col">Now, per second</th>
              </tr>
            </thead>
            <tbody>
              {reasons.map(([reason, count]) => (
                <tr key={reason}>
                  <td>{reason}</td>
                  <td>{count.toLocaleString('en')}</td>
                  <td>{(recentRate(looks, (look) => look.refused.get(reason) ?? 0) ?? 0).toFixed(1)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

/** How the server itself is doing. */
export function StatusView() {
  const now = useTicker(refreshSeconds, true);
  const looks = useRef<readonly Look[]>([]);
  const own = useAnswer({
    question: 'metrics',
    turn: now,
    ask: async (signal) => {
      const text = await ownMetrics(signal);
      looks.current = withLook(looks.current, lookAt(parseExposition(text), now));
      return looks.current;
    },
  });
  const storage = useAnswer({ question: 'storage', turn: now, ask: storageStatus });
  const seen = useMemo(() => own.data ?? [], [own.data]);
  return (
    <main className={styles['status']}>
      <h1 className="visually-hidden">Status</h1>
      {own.error !== undefined && own.error.kind !== 'unreachable' && <ErrorNotice error={own.error} />}
      <IntakeTiles looks={seen} storage={storage.data} />
      <div className={styles['pair']}>
        <StorageCards answer={storage} />
        <Refused looks={seen} />
      </div>
      <CardinalityCards />
      <ServerCards />
    </main>
  );
}
