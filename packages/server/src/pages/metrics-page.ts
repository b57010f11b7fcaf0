import type { MetricDescription } from '@tidemark/base';
import { cell, REGENERATE } from './markdown.ts';

/** docs/metrics.md: every metric that a Tidemark with all roles has of itself. */
export function metricsPage(metrics: readonly MetricDescription[]): string {
  const rows = metrics.map(({ name, type, labelNames, help }) => {
    return `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(' ')} | ${cell(help)} |`;
  });
  return `# Metrics of Tidemark itself

On \`/metrics\`, and stored as job \`tidemark\` unless \`collector.self\` is false. A labelled metric keeps at most 512 combinations of
values and counts the rest under \`overflow\`. Histograms have the series \`_bucket\` (with \`le\`), \`_sum\` and \`_count\`.

${REGENERATE}

| metric | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}
