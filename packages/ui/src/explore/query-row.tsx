import { ActionIcon, Button, Loader } from '@mantine/core';
import { type KeyboardEvent, useEffect, useMemo, useState } from 'react';
import type { ApiError } from '../api/error.ts';
import { useAnswer } from '../api/use-answer.ts';
import { CloseIcon, CopyIcon, DownIcon, EyeIcon, EyeOffIcon, UpIcon } from '../page/icons.tsx';
import { ErrorNotice, Remarks } from '../page/notice.tsx';
import type { PageQuery } from '../url/page-state.ts';
import { ask, heavyEverySeconds, isHeavy, type Question, type Result, resultSummary } from './ask.ts';
import { Editor } from './editor.tsx';
import styles from './explore.module.css';
import { useCalmTurn } from './use-calm-turn.ts';
import { useLate } from './use-late.ts';

/** An answer faster than this needs no word about waiting for it. */
const patienceMs = 700;

export interface RowAnswer {
  /** What was asked: an answer is not shown under another question. */
  readonly expr: string;
  readonly data: Result | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

export interface RowActions {
  readonly onDraft: (id: number, text: string) => void;
  readonly onRun: () => void;
  readonly onFocus: (id: number) => void;
  readonly onAnswer: (id: number, answer: RowAnswer) => void;
  readonly onStop: (id: number) => void;
  readonly onToggle: (id: number) => void;
  readonly onDuplicate: (id: number) => void;
  readonly onMove: (id: number, by: -1 | 1) => void;
  readonly onRemove: (id: number) => void;
}

interface QueryRowProps {
  readonly query: PageQuery;
  readonly letter: string;
  readonly draft: string;
  /** Null asks nothing: the query is empty, hidden or stopped. */
  readonly question: Question | null;
  /** Names the question without what only moves with the clock. */
  readonly questionKey: string;
  readonly turn: number;
  readonly stopped: boolean;
  /** Whether there are others to move among. */
  readonly place: { readonly first: boolean; readonly last: boolean };
  readonly actions: RowActions;
}

function Status({
  row,
  answer,
  late,
}: {
  readonly row: QueryRowProps;
  readonly answer: RowAnswer;
  readonly late: boolean;
}) {
  const { query, draft, stopped, actions } = row;
  const { data, loading } = answer;
  // Counts every point: once an answer, not with every keystroke.
  const summary = useMemo(() => (data === undefined ? '' : resultSummary(data)), [data]);
  const told = data !== undefined && query.expr !== '';
  return (
    <div className={styles['rowStatus']} role="status">
      {loading && late && (
        <>
          <Loader size={12} aria-label="Running" /> <span>running…</span>
          <Button size="compact-xs" variant="light" color="gray" onClick={() => actions.onStop(query.id)}>
            Stop
          </Button>
        </>
      )}
      {stopped && <span>stopped</span>}
      {!loading && answer.error !== undefined && !told && <span>failed</span>}
      {query.hidden && <span>hidden, not asked</span>}
      {told && !query.hidden && <span>{summary}</span>}
      {told && !query.hidden && data.source !== undefined && (
        <span title="What the answer was computed from">{data.source}</span>
      )}
      {told && !query.hidden && isHeavy(data) && (
        <span title="So many series take the page long to read">asked every {heavyEverySeconds} s</span>
      )}
      {draft.trim() !== query.expr && <span className={styles['edited']}>edited: Ctrl+Enter runs</span>}
    </div>
  );
}

/** One query: its editor, what can be done with it, and what came of it. It asks for itself and hands up the answer. */
export function QueryRow(row: QueryRowProps) {
  const { query, letter, draft, question, questionKey, turn, place, actions } = row;
  const { id } = query;
  const [heavy, setHeavy] = useState(false);
  const calmTurn = useCalmTurn(turn, heavy);
  const { data, error, loading } = useAnswer({
    question: question === null ? null : questionKey,
    turn: calmTurn,
    subject: JSON.stringify([query.expr, question?.tab]),
    ask: (signal) => ask(question as Question, signal),
  });
  useEffect(() => setHeavy(isHeavy(data)), [data]);
  const late = useLate(loading, patienceMs);
  const { onAnswer } = actions;
  useEffect(
    () => onAnswer(id, { expr: query.expr, data, error, loading }),
    [onAnswer, id, query.expr, data, error, loading],
  );

  const onKeys = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    event.stopPropagation();
    actions.onMove(id, event.key === 'ArrowUp' ? -1 : 1);
  };
  const tool = { variant: 'subtle', color: 'gray', size: 'lg' } as const;
  const alone = place.first && place.last;
  return (
    <fieldset
      className={styles['row']}
      data-hidden={query.hidden || undefined}
      aria-label={`Query ${letter}`}
      onFocusCapture={() => actions.onFocus(id)}
      onKeyDownCapture={onKeys}
    >
      <span className={styles['letter']} aria-hidden="true">
        {letter}
      </span>
      <Editor
        label={alone ? 'PromQL expression' : `PromQL expression ${letter}`}
        value={draft}
        onChange={(text) => actions.onDraft(id, text)}
        onRun={actions.onRun}
      />
      <span className={styles['tools']}>
        {!alone && (
          <>
            <ActionIcon
              {...tool}
              aria-label={`Move query ${letter} up`}
              title="Move up (Alt+↑)"
              disabled={place.first}
              onClick={() => actions.onMove(id, -1)}
            >
              <UpIcon />
            </ActionIcon>
            <ActionIcon
              {...tool}
              aria-label={`Move query ${letter} down`}
              title="Move down (Alt+↓)"
              disabled={place.last}
              onClick={() => actions.onMove(id, 1)}
            >
              <DownIcon />
            </ActionIcon>
            <ActionIcon
              {...tool}
              aria-label={query.hidden ? `Show query ${letter}` : `Hide query ${letter}`}
              title={query.hidden ? 'Show' : 'Hide: it is not asked either'}
              aria-pressed={query.hidden}
              onClick={() => actions.onToggle(id)}
            >
              {query.hidden ? <EyeOffIcon /> : <EyeIcon />}
            </ActionIcon>
          </>
        )}
        <ActionIcon
          {...tool}
          aria-label={`Duplicate query ${letter}`}
          title="Duplicate"
          onClick={() => actions.onDuplicate(id)}
        >
          <CopyIcon />
        </ActionIcon>
        <ActionIcon
          {...tool}
          aria-label={alone ? 'Clear the query' : `Remove query ${letter}`}
          title={alone ? 'Clear' : 'Remove'}
          disabled={alone && draft === ''}
          onClick={() => actions.onRemove(id)}
        >
          <CloseIcon />
        </ActionIcon>
      </span>
      <div className={styles['rowBelow']}>
        <Status row={row} answer={{ expr: query.expr, data, error, loading }} late={late} />
        {query.expr !== '' && !query.hidden && (
          <>
            {error !== undefined && error.kind !== 'unreachable' && <ErrorNotice error={error} />}
            {data !== undefined && <Remarks warnings={data.warnings} infos={data.infos} />}
          </>
        )}
      </div>
    </fieldset>
  );
}
