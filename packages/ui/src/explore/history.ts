// The queries asked before, newest first, kept in this browser.

export const historyMax = 100;
/** Longer ones are machine-made; they stay in the address they came with. */
export const historyExprLengthMax = 4000;
const storeKey = 'tidemark-query-history';

/** `before` with `exprs` at its head, each once. */
export function remembered(before: readonly string[], exprs: readonly string[]): readonly string[] {
  const fresh = exprs.filter((expr) => expr !== '' && expr.length <= historyExprLengthMax);
  return [...new Set([...fresh, ...before])].slice(0, historyMax);
}

/** What was written by whoever wrote it: anything that is no list of texts is an empty history. */
export function readHistory(text: string | null): readonly string[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string').slice(0, historyMax) : [];
  } catch {
    return []; // Unreadable is as good as none.
  }
}

export function loadHistory(): readonly string[] {
  try {
    return readHistory(localStorage.getItem(storeKey));
  } catch {
    return []; // Storage is switched off.
  }
}

function save(history: readonly string[]): void {
  try {
    localStorage.setItem(storeKey, JSON.stringify(history));
  } catch {
    // Storage is full or switched off: a history is a comfort, not a promise.
  }
}

export function rememberQueries(exprs: readonly string[]): void {
  save(remembered(loadHistory(), exprs));
}

export function forgetQueries(): void {
  save([]);
}

/** Those that contain every word of `text`, whatever the case. */
export function searchHistory(history: readonly string[], text: string): readonly string[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return history.filter((expr) => words.every((word) => expr.toLowerCase().includes(word)));
}
