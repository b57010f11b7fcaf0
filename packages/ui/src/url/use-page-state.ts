import { useCallback, useEffect, useState } from 'react';
import { type PageState, readState, writeState } from './page-state.ts';

/** `push` makes a step the Back button returns from; `replace` only keeps the address true. */
export type HistoryStep = 'push' | 'replace';
export type SetPageState = (change: Partial<PageState>, step?: HistoryStep) => void;

/** The page's state, kept in the address bar and following Back and Forward. */
export function usePageState(): [PageState, SetPageState] {
  const [state, setState] = useState(() => readState(location.search));

  useEffect(() => {
    const follow = () => setState(readState(location.search));
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);

  const change = useCallback<SetPageState>((part, step = 'replace') => {
    setState((before) => ({ ...before, ...part }));
    const next = { ...readState(location.search), ...part };
    const url = new URL(`./${writeState(next)}`, document.baseURI);
    if (step === 'push') history.pushState(null, '', url);
    else history.replaceState(null, '', url);
  }, []);

  return [state, change];
}
