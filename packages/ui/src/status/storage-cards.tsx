import type { StorageStatus, TierSizes } from '../api/status.ts';
import type { AnswerState } from '../api/use-answer.ts';
import { formatValue } from '../format/units.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { formatDuration } from '../time/duration.ts';
import { formatMoment } from '../time/format-time.ts';
import styles from './status.module.css';

const bytes = (value: number) => formatValue(value, 'bytes');
const count = (value: number) => value.toLocaleString('en');
const tierNames: Readonly<Record<string, string>> = { raw: 'raw samples', '1m': '1 minute rows', '1h': '1 hour rows' };

function spanText({ oldestMs, newestMs }: TierSizes): string {
  if (oldestMs === null || newestMs === null) return 'in memory only';
  return `${formatMoment(oldestMs / 1000)} – ${formatMoment(newestMs / 1000)}`;
}

function Tiers({ storage }: { readonly storage: StorageStatus }) {
  return (
    <div className={styles['scroll']}>
      <table className={styles['table']}>
        <thead>
          <tr>
            <th scope="col">Tier</th>
            <th scope="col">Memory</th>
            <th scope="col">Windows</th>
            <th scope="col">Segments</th>
            <th scope="col">Samples on disk</th>
            <th scope="col">Series</th>
            <th scope="col">Kept for</th>
            <th scope="col">From, to</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(storage.tiers).map(([tier, sizes]) => (
            <tr key={tier}>
              <td>{tierNames[tier] ?? tier}</td>
              <td>{bytes(sizes.headBytes)}</td>
              <td title={`${sizes.windows} windows`}>{bytes(sizes.windowBytes)}</td>
              <td title={`${sizes.segments} segments`}>{bytes(sizes.segmentBytes)}</td>
              <td>{count(sizes.windowSamples + sizes.segmentSamples)}</td>
              <td>{count(sizes.series)}</td>
              <td>{sizes.retentionMs === null ? 'ever' : formatDuration(sizes.retentionMs / 1000)}</td>
              <td>{spanText(sizes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Partitions that need a look: behind, or damaged. */
function Partitions({ storage }: { readonly storage: StorageStatus }) {
  const behind = storage.partitions.filter(({ lag, damagedWindows }) => lag > 0 || damagedWindows > 0);
  if (behind.length === 0) {
    return (
      <p className={styles['fine']}>All {storage.partitions.length} partitions of the log are read to their end.</p>
    );
  }
  return (
    <div className={styles['scroll']}>
      <table className={styles['table']}>
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col">Behind</th>
            <th scope="col">Damaged</th>
          </tr>
        </thead>
        <tbody>
          {behind.map(({ topic, partition, lag, damagedWindows }) => (
            <tr key={`${topic}/${partition}`}>
              <td>
                {topic}/{partition}
              </td>
              <td>{count(lag)} records</td>
              <td data-bad={damagedWindows > 0 || undefined}>{damagedWindows}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function StorageCards({ answer }: { readonly answer: AnswerState<StorageStatus | undefined> }) {
  const { data, error, loading } = answer;
  return (
    <Card title="Storage by tier" minHeightPx={232}>
      {error !== undefined && data === undefined && <ErrorNotice error={error} />}
      {data === undefined && error === undefined && (
        <Notice title={loading ? 'Loading…' : 'Not told'}>
          {!loading && 'This server does not answer /api/v1/status/storage.'}
        </Notice>
      )}
      {data !== undefined && (
        <div className={styles['stack']}>
          <Tiers storage={data} />
          <Partitions storage={data} />
        </div>
      )}
    </Card>
  );
}
