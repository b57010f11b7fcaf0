import type { KeyboardEvent } from 'react';

// Arrow keys in lists: down and up lead from item to item, Home and End to the first and the last, and down from the filter
// above into the list. Tab goes through all that can be done with an item, as everywhere.

const reachable = 'button:not(:disabled), a[href], summary, input:not(:disabled), select:not(:disabled)';

/** Where a key leads from `place` (-1: outside) in a list of `count`, or undefined when it leads nowhere. */
export function nextPlace(key: string, place: number, count: number): number | undefined {
  if (count === 0) return undefined;
  const wanted = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: count - 1 }[key];
  if (wanted === undefined || wanted < 0 || wanted >= count) return undefined;
  return wanted;
}

function goTo(items: readonly Element[], key: string, place: number): boolean {
  const next = nextPlace(key, place, items.length);
  const target = next === undefined ? null : items[next]?.querySelector<HTMLElement>(reachable);
  if (target === null || target === undefined) return false;
  target.focus();
  target.scrollIntoView({ block: 'nearest' });
  return true;
}

/** For a list's `onKeyDown`: its children are the items. */
export function arrowsInList(event: KeyboardEvent<HTMLElement>): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const items = [...event.currentTarget.children].filter((item) => item.querySelector(reachable) !== null);
  const place = items.findIndex((item) => item.contains(document.activeElement));
  if (goTo(items, event.key, place)) event.preventDefault();
}

/** For the `onKeyDown` of a field above lists: down leads into the first of them. */
export function arrowIntoList(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown') return;
  const list = document.querySelector('[data-arrows]');
  if (list !== null && goTo([...list.children], 'ArrowDown', -1)) event.preventDefault();
}
