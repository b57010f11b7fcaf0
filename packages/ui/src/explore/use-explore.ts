import { useMemo, useRef, useState } from 'react';
import { alignedWindow } from '../time/range.ts';
import type { PageQuery, PageState } from '../url/page-state.ts';
import type { SetPageState } from '../url/use-page-state.ts';
import type { Question } from './ask.ts';
import { rememberQueries } from './history.ts';
import {
  addQuery,
  duplicateQuery,
  moveQuery,
  placeExpr,
  type Queries,
  removeQuery,
  toggleQuery,
  withDrafts,
} from './query-list.ts';
import type { RowActions, RowAnswer } from './query-row.tsx';

// What the reader is doing on the explore view. The queries last run are in the address; a draft may be ahead of each, and
// becomes the query when it is run. Answers come up from the rows, which ask for themselves.

const noAnswers: ReadonlyMap<number, RowAnswer> = new Map();
const noDrafts: ReadonlyMap<number, Draft> = new Map();
const noneStopped: ReadonlySet<string> = new Set();

/** What an editor holds, and the expression it was begun from: Back and Forward bring others, which it says nothing about. */
interface Draft {
  readonly from: string;
  readonly text: string;
}

function textsOf(drafts: ReadonlyMap<number, Draft>, queries: Queries): Map<number, string> {
  const own = queries.flatMap(({ id, expr }): [number, string][] => {
    const draft = drafts.get(id);
    return draft?.from === expr ? [[id, draft.text]] : [];
  });
  return new Map(own);
}

const stopKey = ({ id, expr }: PageQuery) => `${id} ${expr}`;

export interface Explore {
  readonly answers: ReadonlyMap<number, RowAnswer>;
  readonly actions: RowActions;
  readonly draftOf: (query: PageQuery) => string;
  readonly isStopped: (query: PageQuery) => boolean;
  /** Changes with every run, so that equal questions are asked again. */
  readonly runs: number;
  readonly run: () => void;
  readonly add: () => void;
  /** An expression from a list: into the row last edited, or where there is room; and run. */
  readonly pick: (expr: string) => void;
}

export function questionOf(state: PageState, expr: string, now: number, stepSeconds: number): Question {
  const from = state.resolution === 'auto' ? {} : { resolution: state.resolution };
  if (state.tab === 'table') return { tab: 'table', expr, time: Math.floor(state.range.end ?? now), ...from };
  return { tab: 'graph', expr, stepSeconds, ...alignedWindow(state.range, now, stepSeconds), ...from };
}

export function useExplore(state: PageState, onChange: SetPageState): Explore {
  const [drafts, setDrafts] = useState(noDrafts);
  const [answers, setAnswers] = useState(noAnswers);
  const [stopped, setStopped] = useState(noneStopped);
  const [runs, setRuns] = useState(0);
  const focused = useRef<number | undefined>(undefined);
  const latest = useRef({ state, drafts });
  latest.current = { state, drafts };

  const actions = useMemo<RowActions & Pick<Explore, 'run' | 'add' | 'pick'>>(() => {
    const set = (queries: Queries, step: 'push' | 'replace' = 'push') => onChange({ queries }, step);
    const queries = () => latest.current.state.queries;
    const texts = () => textsOf(latest.current.drafts, queries());
    const written = () => withDrafts(queries(), texts());
    const runAll = (next: Queries) => {
      rememberQueries(next.map((query) => query.expr));
      setDrafts(noDrafts);
      setStopped(noneStopped);
      setRuns((before) => before + 1);
      set(next);
    };
    return {
      onDraft: (id, text) => {
        const from = queries().find((query) => query.id === id)?.expr ?? '';
        setDrafts((before) => new Map(before).set(id, { from, text }));
      },
      onFocus: (id) => {
        focused.current = id;
      },
      onAnswer: (id, answer) => setAnswers((before) => new Map(before).set(id, answer)),
      onStop: (id) => {
        const query = queries().find((one) => one.id === id);
        if (query !== undefined) setStopped((before) => new Set(before).add(stopKey(query)));
      },
      onRun: () => runAll(written()),
      onToggle: (id) => set(toggleQuery(queries(), id)),
      onDuplicate: (id) => {
        const own = queries().find((query) => query.id === id);
        set(duplicateQuery(queries(), id, texts().get(id) ?? own?.expr ?? ''));
      },
      onMove: (id, by) => set(moveQuery(queries(), id, by)),
      onRemove: (id) => set(removeQuery(queries(), id)),
      run: () => runAll(written()),
      add: () => {
        set(addQuery(queries()), 'replace');
        // After it is there: whoever adds a query wants to write it.
        setTimeout(() => [...document.querySelectorAll<HTMLElement>('.cm-content')].at(-1)?.focus());
      },
      pick: (expr) => {
        const now = written();
        const row = now.find((query) => query.id === focused.current);
        const free = row !== undefined && row.expr === '';
        runAll(free ? now.map((query) => (query === row ? { ...query, expr } : query)) : placeExpr(now, expr));
      },
    };
  }, [onChange]);

  const texts = useMemo(() => textsOf(drafts, state.queries), [drafts, state.queries]);
  const draftOf = (query: PageQuery) => texts.get(query.id) ?? query.expr;
  return { answers, actions, draftOf, isStopped: (query) => stopped.has(stopKey(query)), runs, ...actions };
}
