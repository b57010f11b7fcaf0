import { queryRange } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { sparklinePath } from '../chart/sparkline-path.ts';
import { formatValue } from '../format/units.ts';
import styles from './overview.module.css';
import { sinceFirst, statValues } from './stat-values.ts';
import type { StatSpec } from './stats.ts';

/** The line beneath a number tells its last quarter of an hour, a point every 15 s. */
const historySeconds = 900;
const historyStepSeconds = 15;
const sparkWidth = 120;
const sparkHeight = 26;

interface StatTileProps {
  readonly spec: StatSpec;
  readonly host: string;
  /** The moment the number is of. */
  readonly at: number;
}

function level(spec: StatSpec, value: number | undefined): 'good' | 'warn' | 'bad' | undefined {
  if (spec.levels === undefined || value === undefined) return undefined;
  if (value >= spec.levels.bad) return 'bad';
  return value >= spec.levels.warn ? 'warn' : 'good';
}

export function StatTile({ spec, host, at }: StatTileProps) {
  const end = Math.floor(at);
  const start = end - historySeconds;
  const { data, error } = useAnswer({
    question: host,
    turn: end,
    subject: host,
    ask: async (signal) => {
      const request = { start, end, stepSeconds: historyStepSeconds };
      const answers = await Promise.all(spec.parts(host).map((expr) => queryRange({ expr, ...request }, signal)));
      return statValues(
        spec,
        answers.map((one) => one.data),
        request,
      );
    },
  });
  const latest = data?.latest;
  return (
    <div
      className={styles['tile']}
      data-level={level(spec, latest?.value)}
      data-stale={error !== undefined || undefined}
    >
      <div className={styles['tileTitle']}>{spec.title}</div>
      <div className={styles['tileValue']}>{latest === undefined ? '–' : formatValue(latest.value, spec.unit)}</div>
      <div className={styles['tileDetail']}>
        {latest?.detail ?? error?.message ?? (data === undefined ? 'loading…' : 'no samples')}
      </div>
      <svg
        className={styles['spark']}
        viewBox={`0 -2 ${sparkWidth} ${sparkHeight + 4}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d={sparklinePath(sinceFirst(data?.history ?? []), sparkWidth, sparkHeight)} />
      </svg>
    </div>
  );
}
