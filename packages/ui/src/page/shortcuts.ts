import { useEffect, useRef } from 'react';

// Keys that work anywhere on the page but in a field one types in, and never with a modifier, which belongs to the browser.
// A shortcut is a key (`n`) or two in a row (`g e`).

/** Pressed later than this after the first, the second key stands alone. */
const sequenceMs = 1500;

type Handler = () => void;
const handlers = new Map<string, Handler>();
let pending: { readonly key: string; readonly atMs: number } | undefined;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}

/** The shortcut that `key` completes after `before`, if any is known. */
export function completed(known: ReadonlySet<string>, before: string | undefined, key: string): string | undefined {
  const pair = `${before} ${key}`;
  if (before !== undefined && known.has(pair)) return pair;
  return known.has(key) ? key : undefined;
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || event.key.length !== 1 || document.querySelector('dialog[open]') !== null) return;
  const before = pending !== undefined && event.timeStamp - pending.atMs < sequenceMs ? pending.key : undefined;
  pending = { key: event.key, atMs: event.timeStamp };
  const found = completed(new Set(handlers.keys()), before, event.key);
  if (found === undefined) return;
  event.preventDefault();
  pending = undefined;
  handlers.get(found)?.();
}

/** Listens for the page's shortcuts; once, at its root. */
export function useShortcutKeys(): void {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** `keys` calls `handler` while the caller is on the page. */
export function useShortcut(keys: string, handler: Handler): void {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const run = () => latest.current();
    handlers.set(keys, run);
    return () => {
      if (handlers.get(keys) === run) handlers.delete(keys);
    };
  }, [keys]);
}
