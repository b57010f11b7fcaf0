import type { Matcher } from '@tidemark/model';
import type { LabelIndex } from './label-index.ts';
import { intersect, type LabelPostings, subtract, union } from './postings.ts';

// From matchers to series, cheapest first:
//
//   1. literals (`=`, `=~"a|b"`): a look into the postings
//   2. other matchers that want the label present: each value of the label is asked once
//   3. the rest (`!=`, `!~`, `=""`): values that are not wanted are taken off, or what is left is asked series by series
//
// A matcher of kind 2 on a label with more values than series are left is asked series by series too.

// Reading a value of one series costs some ten times what asking about one value does.
const VALUES_SHARE = 4;

/** Refs of the series that every matcher wants, rising. */
export function matchSeries(index: LabelIndex, matchers: readonly Matcher[]): readonly number[] {
  const wanting = matchers.filter((matcher) => !matcher.matches(''));
  wanting.sort((a, b) => rank(a) - rank(b));
  const asking = matchers.filter((matcher) => matcher.matches(''));
  let found: readonly number[] | undefined;
  for (const matcher of wanting) {
    if (found !== undefined && found.length === 0) return [];
    const values = index.postings(matcher.name);
    if (values === undefined) return [];
    if (matcher.literals === undefined && found !== undefined && values.size > found.length) {
      asking.push(matcher);
      continue;
    }
    const list = listOf(values, matcher);
    found = found === undefined ? list : intersect(found, list);
  }
  found ??= index.refs();
  for (const matcher of asking) {
    const values = index.postings(matcher.name);
    if (values === undefined && matcher.matches('')) continue;
    // Of a label with few values those that are unwanted are taken off: the others, and series without it, stay.
    found =
      values !== undefined && values.size <= found.length / VALUES_SHARE && matcher.matches('')
        ? subtract(found, listOfUnwanted(values, matcher))
        : filterByValue(index, found, matcher);
  }
  return found;
}

function rank(matcher: Matcher): number {
  if (matcher.literals?.length === 1) return 0;
  return matcher.literals !== undefined ? 1 : 2;
}

function listOf(values: LabelPostings, matcher: Matcher): readonly number[] {
  const lists: (readonly number[])[] = [];
  if (matcher.literals !== undefined) {
    for (const value of matcher.literals) {
      const list = values.refsOf(value);
      if (list !== undefined) lists.push(list);
    }
    return union(lists);
  }
  for (const value of values.values()) {
    if (value.startsWith(matcher.prefix) && matcher.matches(value)) lists.push(values.refsOf(value) ?? []);
  }
  return union(lists);
}

function listOfUnwanted(values: LabelPostings, matcher: Matcher): readonly number[] {
  const lists: (readonly number[])[] = [];
  for (const value of values.values()) if (!matcher.matches(value)) lists.push(values.refsOf(value) ?? []);
  return union(lists);
}

function filterByValue(index: LabelIndex, refs: readonly number[], matcher: Matcher): number[] {
  const answers = new Map<string, boolean>();
  return refs.filter((ref) => {
    const value = index.labelValue(ref, matcher.name);
    let wanted = answers.get(value);
    if (wanted === undefined) {
      wanted = matcher.matches(value);
      answers.set(value, wanted);
    }
    return wanted;
  });
}
