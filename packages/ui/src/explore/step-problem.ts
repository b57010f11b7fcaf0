import { parseDuration } from '../time/duration.ts';
import { pointsLimit } from '../time/step.ts';

/** Why `text` is no step for a range, or undefined when it is one. Empty means automatic. */
export function stepProblem(text: string, spanSeconds: number): string | undefined {
  if (text.trim() === '') return undefined;
  const seconds = parseDuration(text);
  if (seconds === undefined) return 'not a duration: 15s, 5m, 1h';
  return spanSeconds / seconds > pointsLimit ? `more than ${pointsLimit} points` : undefined;
}
