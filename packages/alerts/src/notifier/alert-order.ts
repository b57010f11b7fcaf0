import { compareUtf8, type Labels, labelValue } from '@tidemark/model';

// The order in which Alertmanager lists alerts and groups: fewer labels first, then label by label; alerts by job and instance
// before that.

/** Label sets: the smaller first, then by the first name that differs in presence or value. */
export function compareLabelSets(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length;
  const names = [...new Set([...a, ...b].map(({ name }) => name))].sort(compareUtf8);
  for (const name of names) {
    const [left, right] = [labelValue(a, name), labelValue(b, name)];
    if (left === right) continue;
    // The one without the label comes first.
    return compareUtf8(left, right);
  }
  return 0;
}

export function compareAlerts(a: { readonly labels: Labels }, b: { readonly labels: Labels }): number {
  for (const name of ['job', 'instance']) {
    const [left, right] = [labelValue(a.labels, name), labelValue(b.labels, name)];
    if (left === right) continue;
    // Here the one without comes last.
    if (left === '' || right === '') return left === '' ? 1 : -1;
    return compareUtf8(left, right);
  }
  return compareLabelSets(a.labels, b.labels);
}
