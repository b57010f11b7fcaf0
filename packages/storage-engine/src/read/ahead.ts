// Items that are far away: the next are asked for while one is worked on.
//
//   begun     a b c d                  at most `many` at a time
//   yielded   a ─── b ─── c ─── d      in order

export async function* ahead<T, R>(
  items: readonly T[],
  many: number,
  begin: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for (let i = 0; i < items.length; i++) {
    while (begun.length < Math.min(items.length, i + many)) {
      const one = begin(items[begun.length] as T);
      // Its turn to be told comes; if somebody failed before, nobody asks any more.
      one.catch(() => undefined);
      begun.push(one);
    }
    yield await (begun[i] as Promise<R>);
  }
}
