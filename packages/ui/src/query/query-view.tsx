import { Button, Loader, NativeSelect, SegmentedControl } from '@mantine/core';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { unitNames } from '../format/units.ts';
import { ErrorNotice, Notice, Remarks } from '../page/notice.tsx';
import { RangeControls } from '../page/range-controls.tsx';
import { alignedWindow, windowOf, zoomed } from '../time/range.ts';
import { chooseStep, pointsLimit } from '../time/step.ts';
import { useTicker } from '../time/use-ticker.ts';
import type { PageState, ResultTab } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import { ask, type Question, resultSummary } from './ask.ts';
import { Editor } from './editor.tsx';
import { examples } from './examples.ts';
import { guessUnit } from './guess-unit.ts';
import styles from './query.module.css';
import { ResultGraph } from './result-graph.tsx';
import { ResultTable } from './result-table.tsx';
import { StepInput } from './step-input.tsx';

const refreshSeconds = 5;

interface QueryViewProps {
  readonly state: PageState;
  readonly onChange: SetPageState;
}

function questionOf(state: PageState, now: number, stepSeconds: number): Question {
  const { expr, range } = state;
  if (state.tab === 'table') return { tab: 'table', expr, time: Math.floor(range.end ?? now) };
  return { tab: 'graph', expr, stepSeconds, ...alignedWindow(range, now, stepSeconds) };
}

function Examples({ onPick }: { readonly onPick: (expr: string) => void }) {
  return (
    <Notice title="Ask a question" tall>
      <p>
        Write a PromQL expression above and press Shift+Enter. Completion knows the metrics this server has
        (Ctrl+Space). Or begin with one of these:
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

/** The query page. What is drawn is the expression last run (in the address); the editor may be ahead of it. */
export function QueryView({ state, onChange }: QueryViewProps) {
  const { expr, range, tab } = state;
  const [draft, setDraft] = useState(expr);
  const [running, setRunning] = useState(true);
  const [runs, setRuns] = useState(0);
  useEffect(() => setDraft(expr), [expr]);

  const now = useTicker(refreshSeconds, running && range.end === null);
  const chosen = chooseStep(range.spanSeconds);
  const wanted = state.stepSeconds ?? chosen;
  // A range made longer may make a step chosen for the shorter one too fine for any server.
  const stepSeconds = range.spanSeconds / wanted > pointsLimit ? chosen : wanted;
  const question = questionOf(state, now, stepSeconds);
  const answer = useAnswer({
    question: expr === '' ? null : JSON.stringify([expr, tab, range, stepSeconds, runs]),
    turn: question.tab === 'graph' ? question.end : question.time,
    subject: JSON.stringify([expr, tab]),
    ask: (signal) => ask(question, signal),
  });
  const unit = state.unit ?? guessUnit(expr);
  const window = useMemo(() => windowOf(range, now), [range, now]);

  const run = useCallback(
    (text: string) => {
      setRuns((before) => before + 1);
      onChange({ expr: text.trim() }, 'push');
    },
    [onChange],
  );
  const zoom = useCallback(
    (from: number, to: number) => {
      const next = zoomed(from, to);
      if (next !== undefined) onChange({ range: next }, 'push');
    },
    [onChange],
  );
  const { data, error } = answer;

  return (
    <main className={styles['query']}>
      <h1 className="visually-hidden">Query</h1>
      <form
        className={styles['ask']}
        onSubmit={(event) => {
          event.preventDefault();
          run(draft);
        }}
      >
        <Editor value={draft} onChange={setDraft} onRun={() => run(draft)} />
        <Button type="submit" size="md" className={styles['run'] ?? ''} title="Run (Shift+Enter)">
          Run
        </Button>
      </form>
      <div className={styles['controls']}>
        <RangeControls
          range={range}
          running={running}
          onRange={(next) => onChange({ range: next })}
          onRunning={setRunning}
        />
        <StepInput
          stepSeconds={state.stepSeconds}
          chosen={chosen}
          spanSeconds={range.spanSeconds}
          onStep={(next) => onChange({ stepSeconds: next })}
        />
        <NativeSelect
          aria-label="Unit"
          size="sm"
          value={state.unit ?? ''}
          data={[
            { value: '', label: `unit: ${guessUnit(expr)}` },
            ...unitNames.map((name) => ({ value: name, label: name })),
          ]}
          onChange={(event) => onChange({ unit: unitNames.find((name) => name === event.currentTarget.value) ?? null })}
        />
      </div>
      <section className={styles['result']} aria-label="Result" aria-busy={answer.loading}>
        <div className={styles['resultHead']}>
          <SegmentedControl
            size="sm"
            withItemsBorders={false}
            aria-label="Show as"
            value={tab}
            data={[
              { value: 'graph', label: 'Graph' },
              { value: 'table', label: 'Table' },
            ]}
            onChange={(value) => onChange({ tab: value as ResultTab })}
          />
          <span className={styles['summary']} role="status">
            {answer.loading && data === undefined && <Loader size={14} aria-label="Running" />}
            {data !== undefined && expr !== '' && resultSummary(data)}
          </span>
        </div>
        {expr === '' && <Examples onPick={run} />}
        {expr !== '' && (
          <>
            {error !== undefined && <ErrorNotice error={error} />}
            {data !== undefined && <Remarks warnings={data.warnings} infos={data.infos} />}
            {data === undefined && error === undefined && <Notice title="Running…" tall />}
            {data?.tab === 'graph' && (
              <ResultGraph key={expr} columns={data.columns} window={window} unit={unit} label={expr} onZoom={zoom} />
            )}
            {data?.tab === 'table' && <ResultTable key={expr} result={data.table} unit={unit} />}
          </>
        )}
      </section>
    </main>
  );
}
