import { useEffect, useRef, useState } from 'react';
import { type ApiError, asApiError, isAborted } from './error.ts';

// How an answer on the page stays fresh without ever being wrong:
//
//   question changes   the old call is called off, the new question asked at once
//   turn changes       the same question again: at once, or as soon as the call under way is answered, so that a server
//                      slower than the refresh still gets to answer
//   subject changes    (another host, another expression) what is shown is forgotten: under the new heading it would be a lie

export interface AnswerState<T> {
  /** The latest good answer; kept while a newer one is on its way or failing. */
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

export interface Asking<T> {
  /** What is asked, without what only moves with the clock; null asks nothing. */
  readonly question: string | null;
  /** Changes when the clock makes the question worth asking again. */
  readonly turn: string | number;
  readonly subject?: string;
  readonly ask: (signal: AbortSignal) => Promise<T>;
}

export function useAnswer<T>(asking: Asking<T>): AnswerState<T> {
  const { question, turn, subject = '' } = asking;
  const waiting = { data: undefined, error: undefined, loading: question !== null };
  const [state, setState] = useState<AnswerState<T> & { subject: string }>({ ...waiting, subject });
  const latest = useRef(asking);
  latest.current = asking;
  const askAgain = useRef<() => void>(() => undefined);

  useEffect(() => {
    if (question === null) {
      setState((before) => ({ ...before, loading: false }));
      return;
    }
    const controller = new AbortController();
    const { signal } = controller;
    let askedTurn: string | number | undefined;
    let underWay = false;

    const askOnce = async () => {
      if (underWay || askedTurn === latest.current.turn) return;
      underWay = true;
      askedTurn = latest.current.turn;
      setState((before) => ({
        ...before,
        data: before.subject === subject ? before.data : undefined,
        loading: true,
        subject,
      }));
      try {
        const data = await latest.current.ask(signal);
        if (!signal.aborted) setState({ data, error: undefined, loading: false, subject });
      } catch (problem) {
        // An answer to a question that was called off is nobody's business.
        if (!signal.aborted && !isAborted(problem))
          setState((before) => ({ ...before, error: asApiError(problem), loading: false }));
      }
      underWay = false;
      if (!signal.aborted) void askOnce();
    };
    askAgain.current = () => void askOnce();
    void askOnce();
    return () => {
      askAgain.current = () => undefined;
      controller.abort();
    };
  }, [question, subject]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the turn is the trigger; the effect above reads it.
  useEffect(() => askAgain.current(), [turn]);

  return state.subject === subject ? state : waiting;
}
