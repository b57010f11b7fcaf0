import { type Counted, type TsdbStatus, tsdbStatus } from '../api/status.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatValue, type Unit } from '../format/units.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { useTicker } from '../time/use-ticker.ts';
import { exploreLink } from '../url/page-state.ts';
import { matcherOfPair, metricSelector } from './pair-matcher.ts';
import styles from './status.module.css';

/** Counting walks every series; once a minute is often enough for what changes by deployments. */
const refreshSeconds = 60;
const entriesMax = 15;

interface BarsProps {
  readonly title: string;
  readonly note: string;
  readonly entries: readonly Counted[];
  readonly unit?: Unit;
  readonly of?: number;
  readonly link?: (name: string) => string;
}

/** Names with their counts, each over a bar as long as its share of the greatest. */
function Bars({ title, note, entries, unit, of, link }: BarsProps) {
  const most = Math.max(1, ...entries.map((entry) => entry.value));
  return (
    <Card title={title} note={note}>
      {entries.length === 0 && <Notice title="Nothing counted yet" />}
      <ol className={styles['bars']}>
        {entries.map(({ name, value }) => (
          <li key={name}>
            <span className={styles['bar']} style={{ width: `${(100 * value) / most}%` }} />
            {link === undefined ? (
              <span className={styles['barName']}>{name}</span>
            ) : (
              <a className={styles['barName']} href={link(name)} title={`Explore ${name}`}>
                {name}
              </a>
            )}
            <span className={styles['barValue']}>
              {unit === undefined ? value.toLocaleString('en') : formatValue(value, unit)}
              {of !== undefined && of > 0 && <i>{formatValue(value / of, 'ratio')}</i>}
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Lists({ tsdb }: { readonly tsdb: TsdbStatus }) {
  const { numSeries, numLabelPairs } = tsdb.headStats;
  const total = `${numSeries.toLocaleString('en')} series`;
  return (
    <>
      <Bars
        title="Metrics with most series"
        note={total}
        entries={tsdb.seriesCountByMetricName}
        of={numSeries}
        link={(name) => exploreLink(`count(${metricSelector(name)})`, metricSelector(name))}
      />
      <Bars
        title="Label pairs in most series"
        note={numLabelPairs === undefined ? total : `${numLabelPairs.toLocaleString('en')} pairs`}
        entries={tsdb.seriesCountByLabelValuePair}
        of={numSeries}
        link={(pair) => exploreLink(`count by (__name__) ({${matcherOfPair(pair)}})`)}
      />
      <Bars title="Labels with most values" note="many values, many series" entries={tsdb.labelValueCountByLabelName} />
      <Bars
        title="Labels by memory"
        note="bytes of their values"
        entries={tsdb.memoryInBytesByLabelName}
        unit="bytes"
      />
    </>
  );
}

/** What the series are made of: where to look when there are too many. */
export function CardinalityCards() {
  const now = useTicker(refreshSeconds, true);
  const { data, error, loading } = useAnswer({
    question: 'tsdb',
    turn: now,
    ask: (signal) => tsdbStatus(entriesMax, signal),
  });
  return (
    <section
      aria-label="Cardinality"
      className={styles['cardinality']}
      data-waiting={(data === undefined && error === undefined && loading) || undefined}
    >
      {error !== undefined && data === undefined && <ErrorNotice error={error} />}
      {data === undefined && error === undefined && (
        <Card title="Cardinality">
          <Notice title={loading ? 'Counting…' : 'Not told'}>
            {!loading && 'This server does not answer /api/v1/status/tsdb.'}
          </Notice>
        </Card>
      )}
      {data !== undefined && <Lists tsdb={data} />}
    </section>
  );
}
