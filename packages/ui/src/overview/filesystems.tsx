import { queryInstant } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatValue } from '../format/units.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { filesystemRows } from './filesystem-rows.ts';
import { ofHost, realFileSystems } from './host-matchers.ts';
import styles from './overview.module.css';

interface FilesystemsProps {
  readonly host: string;
  readonly at: number;
}

function fullness(usedPercent: number): 'good' | 'warn' | 'bad' {
  if (usedPercent >= 95) return 'bad';
  return usedPercent >= 80 ? 'warn' : 'good';
}

/** Every file system with how full it is. */
export function Filesystems({ host, at }: FilesystemsProps) {
  const time = Math.floor(at);
  const { data, error, loading } = useAnswer({
    question: host,
    turn: time,
    subject: host,
    ask: async (signal) => {
      const matchers = ofHost(host, realFileSystems);
      const [size, avail] = await Promise.all([
        queryInstant({ expr: `node_filesystem_size_bytes${matchers}`, time }, signal),
        queryInstant({ expr: `node_filesystem_avail_bytes${matchers}`, time }, signal),
      ]);
      return filesystemRows(size.data, avail.data);
    },
  });
  return (
    <Card title="Filesystems" busy={loading}>
      {error !== undefined && data === undefined && <ErrorNotice error={error} />}
      {data === undefined && error === undefined && <Notice title="Loading…" />}
      {data !== undefined && data.length === 0 && <Notice title="No file systems at this time" />}
      <ul className={styles['mounts']}>
        {data?.map((row) => (
          <li
            key={`${row.device} ${row.mountpoint}`}
            className={styles['mount']}
            data-level={fullness(row.usedPercent)}
          >
            <span className={styles['mountName']} title={`${row.device}, ${row.fstype}`}>
              {row.mountpoint}{' '}
              <small>
                {row.device} · {row.fstype}
              </small>
            </span>
            <span className={styles['bar']} aria-hidden="true">
              <span style={{ width: `${Math.min(100, row.usedPercent)}%` }} />
            </span>
            <span className={styles['mountNumbers']}>
              <b>{formatValue(row.usedPercent, 'percent')}</b>
              <span className={styles['mountTotal']}>
                {formatValue(row.availBytes, 'bytes')} free of {formatValue(row.sizeBytes, 'bytes')}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
