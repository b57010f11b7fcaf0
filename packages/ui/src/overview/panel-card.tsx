import { queryRange } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { TimeChart } from '../chart/time-chart.tsx';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { formatDuration } from '../time/duration.ts';
import { alignedWindow, type TimeRange, type Window } from '../time/range.ts';
import { chooseStep, rateWindowSeconds } from '../time/step.ts';
import { panelData } from './panel-series.ts';
import type { PanelSpec } from './panels.ts';

const chartHeightPx = 190;

interface PanelCardProps {
  readonly spec: PanelSpec;
  readonly host: string;
  readonly range: TimeRange;
  readonly now: number;
  /** What the axis spans. */
  readonly window: Window;
  readonly onZoom: (from: number, to: number) => void;
}

/** One chart of the overview. It asks again when the clock reaches its next step, so a week is not fetched every 5 s. */
export function PanelCard({ spec, host, range, now, window, onZoom }: PanelCardProps) {
  const stepSeconds = chooseStep(range.spanSeconds);
  const { start, end } = alignedWindow(range, now, stepSeconds);
  const context = { host, window: formatDuration(rateWindowSeconds(stepSeconds)) };

  const answer = useAnswer({
    question: JSON.stringify([host, range]),
    turn: end,
    subject: host,
    ask: async (signal) => {
      const asked = spec.queries.map((query) =>
        queryRange({ expr: query.expr(context), start, end, stepSeconds }, signal),
      );
      const answers = await Promise.all(asked);
      return panelData(
        spec,
        answers.map((one) => one.data),
        { start, end, stepSeconds },
      );
    },
  });
  const { data, error } = answer;
  // That the server is away is said once, at the top of the page.
  const refused = error !== undefined && error.kind !== 'unreachable';

  return (
    <Card
      title={spec.title}
      note={refused && data !== undefined ? `not refreshed: ${error.message}` : spec.note}
      busy={answer.loading}
    >
      {error !== undefined && data === undefined && <ErrorNotice error={error} />}
      {data === undefined && error === undefined && <Notice title="Loading…" />}
      {data !== undefined && data.series.length === 0 && <Notice title="No samples in this range" />}
      {data !== undefined && data.series.length > 0 && (
        <TimeChart
          label={spec.title}
          times={data.times}
          series={data.series}
          window={window}
          unit={spec.unit}
          height={chartHeightPx}
          drawing={spec.stacked === true ? 'stacked' : 'line'}
          {...(spec.bounds !== undefined && { bounds: spec.bounds })}
          syncKey="overview"
          onZoom={onZoom}
        />
      )}
    </Card>
  );
}
