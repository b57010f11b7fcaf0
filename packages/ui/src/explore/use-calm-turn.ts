import { useRef } from 'react';
import { heavyEverySeconds } from './ask.ts';

/** Whether a turn of the clock, in seconds, is to be taken: always, or, while answers are heavy, seldom. */
export function isDue(turn: number, taken: number | undefined, heavy: boolean): boolean {
  return taken === undefined || !heavy || Math.abs(turn - taken) >= heavyEverySeconds;
}

/** `turn`, held back while the answers are heavy. */
export function useCalmTurn(turn: number, heavy: boolean): number {
  const taken = useRef<number | undefined>(undefined);
  if (isDue(turn, taken.current, heavy)) taken.current = turn;
  return taken.current ?? turn;
}
