import type { StorageStatus } from '../api/status.ts';
import type { Column } from '../chart/columns.ts';
import { sparklinePath } from '../chart/sparkline-path.ts';
import { formatValue } from '../format/units.ts';
import { type Look, ratesOf, recentRate, refusedTotal } from './intake.ts';
import styles from './status.module.css';

interface TileProps {
  readonly title: string;
  readonly value: string;
  readonly detail: string;
  readonly bad?: boolean;
  /** What it was since the page was opened. */
  readonly history?: Column;
}

const sparkWidth = 120;
const sparkHeight = 22;

function Tile({ title, value, detail, bad = false, history = [] }: TileProps) {
  return (
    <div className={styles['tile']} data-bad={bad || undefined}>
      <div className={styles['tileTitle']}>{title}</div>
      <div className={styles['tileValue']}>{value}</div>
      <div className={styles['tileDetail']}>{detail}</div>
      <svg
        className={styles['spark']}
        viewBox={`0 -2 ${sparkWidth} ${sparkHeight + 4}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d={sparklinePath(history, sparkWidth, sparkHeight)} />
      </svg>
    </div>
  );
}

function count(value: number | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en');
}

function diskBytes(storage: StorageStatus | undefined): number | undefined {
  if (storage === undefined) return undefined;
  return Object.values(storage.tiers).reduce((sum, tier) => sum + tier.windowBytes + tier.segmentBytes, 0);
}

/** The six numbers one looks at first. */
export function IntakeTiles({ looks, storage }: { looks: readonly Look[]; storage: StorageStatus | undefined }) {
  const last = looks.at(-1);
  const rate = recentRate(looks, (look) => look.samples);
  const refused = recentRate(looks, refusedTotal);
  const cpu = recentRate(looks, (look) => look.cpuSeconds);
  const lag = storage?.partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const disk = diskBytes(storage);
  const gauge = (of: (look: Look) => number | undefined): Column => looks.map((look) => of(look) ?? null);
  return (
    <section className={styles['tiles']} aria-label="Now">
      <Tile
        title="Taken in"
        value={rate === undefined ? '–' : `${formatValue(rate, 'number')} /s`}
        detail={
          last === undefined ? 'loading…' : rate === undefined ? 'measuring…' : `${count(last.samples)} samples so far`
        }
        history={ratesOf(looks, (look) => look.samples)}
      />
      <Tile
        title="Refused"
        value={refused === undefined ? '–' : `${formatValue(refused, 'number')} /s`}
        detail={last === undefined ? '' : `${count(refusedTotal(last))} so far`}
        bad={refused !== undefined && refused > 0}
        history={ratesOf(looks, refusedTotal)}
      />
      <Tile
        title="Active series"
        value={count(last?.activeSeries)}
        detail="with a sample lately"
        history={gauge((look) => look.activeSeries)}
      />
      <Tile
        title="Memory"
        value={last?.residentBytes === undefined ? '–' : formatValue(last.residentBytes, 'bytes')}
        detail={[
          last?.heapBytes === undefined ? '' : `heap ${formatValue(last.heapBytes, 'bytes')}`,
          cpu === undefined ? '' : `CPU ${formatValue(cpu, 'ratio')}`,
        ]
          .filter(Boolean)
          .join(', ')}
        history={gauge((look) => look.residentBytes)}
      />
      <Tile
        title="On disk"
        value={disk === undefined ? '–' : formatValue(disk, 'bytes')}
        detail={
          disk === undefined
            ? 'not told by this server'
            : `all tiers${last?.logBytes === undefined ? '' : `; the log ${formatValue(last.logBytes, 'bytes')}`}`
        }
        history={gauge((look) => look.logBytes)}
      />
      <Tile
        title="Behind the log"
        value={lag === undefined ? '–' : count(lag)}
        detail={
          lag === undefined
            ? 'not told by this server'
            : `records; rollups ${last?.rollupLag === undefined ? 'not told' : count(last.rollupLag)}`
        }
        history={gauge((look) => look.rollupLag)}
      />
    </section>
  );
}
