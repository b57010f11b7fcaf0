import { useEffect, useRef, useState } from 'react';
import { type ApiError, asApiError, isAborted } from './error.ts';

export interface AnswerState<T> {
  /** The latest good answer; kept while a newer one is on its way or failing. */
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

/**
 * Asks whenever `key` changes; null asks nothing. An older question is called off when a newer one comes, so answers
 * never arrive in the wrong order. A change of `subject` (another host, another query) also forgets the old answer:
 * showing it under the new heading would be a lie.
 */
export function useAnswer<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  subject: string = '',
): AnswerState<T> {
  const [state, setState] = useState<AnswerState<T> & { subject: string }>({
    data: undefined,
    error: undefined,
    loading: key !== null,
    subject,
  });
  const latestAsk = useRef(ask);
  latestAsk.current = ask;

  useEffect(() => {
    if (key === null) {
      setState((before) => ({ ...before, loading: false }));
      return;
    }
    const controller = new AbortController();
    setState((before) => ({
      ...before,
      data: before.subject === subject ? before.data : undefined,
      loading: true,
      subject,
    }));
    latestAsk.current(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setState({ data, error: undefined, loading: false, subject });
      },
      (problem: unknown) => {
        if (controller.signal.aborted || isAborted(problem)) return; // A newer question has taken its place.
        setState((before) => ({ ...before, error: asApiError(problem), loading: false }));
      },
    );
    return () => controller.abort();
  }, [key, subject]);

  return state.subject === subject ? state : { data: undefined, error: undefined, loading: key !== null };
}
