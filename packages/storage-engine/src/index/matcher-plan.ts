import type { Matcher } from '@tidemark/model';
import type { LabelIndex } from './label-index.ts';
import { intersect, type LabelPostings, subtract, union } from './postings.ts';

// From matchers to series, cheapest first:
//
//   1. literals (`=`, `=~"a|b"`), the fewest series first: a look into the postings
//   2. other matchers that want the label present: each value of the label is asked once
//   3. the rest (`!=`, `!~`, `=""`): values that are not wanted are taken off, or what is left is asked series by series
//
// Series by series is also asked what would be a walk over many more than are left: lists far longer than that, values far more.

// Reading a value of one series costs some ten times what asking about one value does.
const VALUES_SHARE = 4;
// And some fifty times what it costs to unpack one ref of a list and compare it.
const LISTED_PER_ASKED = 50;

/** Refs of the series that every matcher wants, rising. */
export function matchSeries(index: LabelIndex, matchers: readonly Matcher[]): readonly number[] {
  const asking: Matcher[] = [];
  const literal: Wanted[] = [];
  const others: Matcher[] = [];
  for (const matcher of matchers) {
    if (matcher.matches('')) asking.push(matcher);
    else if (matcher.literals === undefined) others.push(matcher);
    else {
      const wanted = wantedOf(index, matcher, matcher.literals);
      if (wanted === undefined) return [];
      literal.push(wanted);
    }
  }
  literal.sort((a, b) => a.series - b.series);
  let found: readonly number[] | undefined;
  for (const { matcher, values, lists, series } of literal) {
    if (found !== undefined && series > found.length * LISTED_PER_ASKED) {
      asking.push(matcher);
      continue;
    }
    const list = union(lists.map((each) => values.refsIn(each)));
    found = found === undefined ? list : intersect(found, list);
  }
  for (const matcher of others) {
    if (found !== undefined && found.length === 0) return [];
    const values = index.postings(matcher.name);
    if (values === undefined) return [];
    if (found !== undefined && values.size > found.length) {
      asking.push(matcher);
      continue;
    }
    const list = listOf(values, (value) => value.startsWith(matcher.prefix) && matcher.matches(value));
    found = found === undefined ? list : intersect(found, list);
  }
  found ??= index.refs();
  for (const matcher of asking) {
    const values = index.postings(matcher.name);
    if (values === undefined && matcher.matches('')) continue;
    // Of a label with few values those that are unwanted are taken off: the others, and series without it, stay.
    found =
      values !== undefined && values.size <= found.length / VALUES_SHARE && matcher.matches('')
        ? subtract(
            found,
            listOf(values, (value) => !matcher.matches(value)),
          )
        : filterByValue(index, found, matcher);
  }
  return found;
}

/** A matcher of literals, and the lists of those that any series has. */
interface Wanted {
  readonly matcher: Matcher;
  readonly values: LabelPostings;
  readonly lists: readonly number[];
  readonly series: number;
}

/** Undefined when no series has any of them. */
function wantedOf(index: LabelIndex, matcher: Matcher, literals: readonly string[]): Wanted | undefined {
  const values = index.postings(matcher.name);
  if (values === undefined) return undefined;
  const lists = literals.flatMap((value) => values.listOf(value) ?? []);
  if (lists.length === 0) return undefined;
  return { matcher, values, lists, series: lists.reduce((sum, list) => sum + values.lengthOf(list), 0) };
}

function listOf(values: LabelPostings, wants: (value: string) => boolean): readonly number[] {
  const lists: (readonly number[])[] = [];
  for (const [value, list] of values.lists()) if (wants(value)) lists.push(values.refsIn(list));
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
