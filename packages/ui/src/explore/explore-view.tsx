import { Button } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { HistoryIcon, PlayIcon, PlusIcon } from '../page/icons.tsx';
import { Notice } from '../page/notice.tsx';
import { useShortcut } from '../page/shortcuts.ts';
import { type TimeRange, windowOf, zoomed } from '../time/range.ts';
import { chooseStep, pointsLimit } from '../time/step.ts';
import { useTicker } from '../time/use-ticker.ts';
import { type PageState, queriesMax } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import type { Answered } from './chart-series.ts';
import { examples } from './examples.ts';
import styles from './explore.module.css';
import { guessUnit, guessUnitOfAll } from './guess-unit.ts';
import { HistoryDialog } from './history-dialog.tsx';
import { letterOf } from './query-list.ts';
import { QueryRow } from './query-row.tsx';
import { ResultChart } from './result-charts.tsx';
import { ResultTable } from './result-table.tsx';
import { Toolbar } from './toolbar.tsx';
import { questionOf, useExplore } from './use-explore.ts';

/** Zooms remembered for the way back. */
const zoomsMax = 50;
/** While nothing is refreshed the clock still has a beat, which nobody asks anything at. */
const idleTickSeconds = 3600;

interface ExploreViewProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
}

function Examples({ onPick }: { readonly onPick: (expr: string) => void }) {
  return (
    <Notice title="Ask a question" tall>
      <p>
        Write a PromQL expression above and press Ctrl+Enter. Completion knows the metrics this server has (Ctrl+Space).
        Or begin with one of these:
      </p>
      <ul className={styles['examples']}>
        {examples.map((example) => (
          <li key={example.expr}>
            <button type="button" onClick={() => onPick(example.expr)}>
              <span>{example.title}</span>
              <code>{example.expr}</code>
            </button>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** Ctrl+Enter runs wherever the focus is; Shift+Enter, which fields and buttons may want, where it is nowhere. */
function useRunKeys(run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      const anywhere = event.ctrlKey || event.metaKey;
      if (anywhere || (event.shiftKey && event.target === document.body)) latest.current();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** Several queries over one time: their editors, how they are shown, and what came of them. */
export function ExploreView({ state, onChange }: ExploreViewProps) {
  const { queries, range, tab } = state;
  const explore = useExplore(state, onChange);
  const [recent, setRecent] = useState(false);
  const [zooms, setZooms] = useState<readonly TimeRange[]>([]);

  const live = state.refreshSeconds > 0 && range.end === null;
  const now = useTicker(live ? state.refreshSeconds : idleTickSeconds, live);
  const chosen = chooseStep(range.spanSeconds);
  const wanted = state.stepSeconds ?? chosen;
  // A range made longer may make a step chosen for the shorter one too fine for any server.
  const stepSeconds = range.spanSeconds / wanted > pointsLimit ? chosen : wanted;
  const window = useMemo(() => windowOf(range, now), [range, now]);

  const asked = queries.filter((query) => query.expr !== '');
  const visible = asked.filter((query) => !query.hidden);
  const guessed = guessUnitOfAll(visible.map((query) => query.expr));

  const zoom = useCallback(
    (from: number, to: number) => {
      const next = zoomed(from, to);
      if (next === undefined) return;
      setZooms((before) => [...before, range].slice(-zoomsMax));
      onChange({ range: next }, 'push');
    },
    [onChange, range],
  );
  const back = zooms.at(-1);
  const unzoom = useCallback(() => {
    if (back === undefined) return;
    setZooms((before) => before.slice(0, -1));
    onChange({ range: back });
  }, [onChange, back]);

  useRunKeys(explore.run);
  useShortcut('n', explore.add);
  useShortcut('r', explore.run);
  useShortcut('h', () => setRecent(true));
  useShortcut('z', unzoom);
  useShortcut('l', () => onChange({ log: !state.log }));
  useShortcut('v', () => onChange({ tab: tab === 'graph' ? 'table' : 'graph' }));

  const answered = useMemo(
    () =>
      queries.flatMap((query, i) => {
        const answer = explore.answers.get(query.id);
        const data = answer?.expr === query.expr ? answer.data : undefined;
        if (query.hidden || query.expr === '' || data === undefined) return [];
        return [{ id: query.id, expr: query.expr, letter: letterOf(i), data }];
      }),
    [queries, explore.answers],
  );
  // A list per chart, kept while its answers are, so that a keystroke in an editor draws nothing anew.
  const charts = useMemo(() => {
    const drawable = answered.flatMap(({ expr, letter, data }): (Answered & { expr: string })[] =>
      data.tab === 'graph' ? [{ expr, letter, columns: data.columns }] : [],
    );
    if (drawable.length === 0) return [];
    if (state.apart) return drawable.map((one) => [one]);
    // Bytes beside seconds on one axis is a flat line beside another: each unit has a chart of its own, unless one is chosen.
    const unitOf = (one: { expr: string }) => state.unit ?? guessUnit(one.expr);
    return [...Map.groupBy(drawable, unitOf).values()];
  }, [answered, state.apart, state.unit]);

  const failed = visible.some((query) => explore.answers.get(query.id)?.error !== undefined);
  const waiting = visible.length > 0 && answered.length === 0 && !failed;
  return (
    <main className={styles['explore']}>
      <h1 className="visually-hidden">Explore</h1>
      <form
        className={styles['ask']}
        aria-label="Queries"
        onSubmit={(event) => {
          event.preventDefault();
          explore.run();
        }}
      >
        {queries.map((query, i) => {
          const stopped = explore.isStopped(query);
          const idle = query.expr === '' || query.hidden || stopped;
          const question = idle ? null : questionOf(state, query.expr, now, stepSeconds);
          const first = i === 0;
          const last = i === queries.length - 1;
          return (
            <QueryRow
              key={query.id}
              query={query}
              letter={letterOf(i)}
              draft={explore.draftOf(query)}
              question={question}
              questionKey={JSON.stringify([query.expr, tab, range, stepSeconds, state.resolution, explore.runs])}
              turn={question === null ? 0 : question.tab === 'graph' ? question.end : question.time}
              stopped={stopped}
              place={{ first, last }}
              actions={explore.actions}
            />
          );
        })}
        <div className={styles['askFoot']}>
          <Button type="submit" size="sm" leftSection={<PlayIcon />} title="Run (Ctrl+Enter)">
            Run
          </Button>
          <Button
            variant="default"
            size="sm"
            leftSection={<PlusIcon />}
            title="Another query (n)"
            disabled={queries.length >= queriesMax}
            onClick={explore.add}
          >
            Add query
          </Button>
          <Button
            variant="default"
            size="sm"
            leftSection={<HistoryIcon />}
            title="Recent queries (h)"
            onClick={() => setRecent(true)}
          >
            Recent
          </Button>
        </div>
      </form>
      <Toolbar
        state={state}
        onChange={onChange}
        guessedUnit={guessed}
        chosenStep={chosen}
        visible={visible.length}
        onUnzoom={back === undefined ? undefined : unzoom}
      />
      <section className={styles['result']} aria-label="Result">
        {asked.length === 0 && <Examples onPick={explore.pick} />}
        {asked.length > 0 && visible.length === 0 && (
          <Notice title="Every query is hidden">Show one with the eye beside its editor.</Notice>
        )}
        {waiting && <Notice title="Running…" tall />}
        {failed && answered.length === 0 && (
          <Notice title="No answer to show">What went wrong is told beneath its query.</Notice>
        )}
        {charts.map((answers) => (
          <div key={answers.map((one) => one.letter).join(' ')} className={styles['chartHolder']}>
            {charts.length > 1 && (
              <h2 className={styles['resultTitle']}>
                {answers.map(({ letter, expr }) => (
                  <span key={letter}>
                    <b>{letter}</b> <code>{expr}</code>
                  </span>
                ))}
              </h2>
            )}
            <ResultChart
              answers={answers}
              lettered={asked.length > 1}
              window={window}
              unit={state.unit ?? guessUnitOfAll(answers.map((one) => one.expr))}
              label={answers.map((one) => one.expr).join(', ')}
              drawing={state.drawing}
              log={state.log}
              syncKey="explore"
              onZoom={zoom}
              onUnzoom={back === undefined ? undefined : unzoom}
            />
          </div>
        ))}
        {answered.map(
          ({ id, letter, expr, data }) =>
            data.tab === 'table' && (
              <div key={id} className={styles['chartHolder']}>
                {visible.length > 1 && (
                  <h2 className={styles['resultTitle']}>
                    <b>{letter}</b> <code>{expr}</code>
                  </h2>
                )}
                <ResultTable key={expr} result={data.table} unit={state.unit ?? guessUnitOfAll([expr])} />
              </div>
            ),
        )}
      </section>
      {recent && <HistoryDialog onPick={explore.pick} onClose={() => setRecent(false)} />}
    </main>
  );
}
