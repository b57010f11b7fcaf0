import { compareUtf8, decodeLabels, type LabelsRequest, labelValue, type SelectAnswer } from '@tidemark/model';
import type { LabelIndex } from '../index/label-index.ts';
import { Gathered } from './gather.ts';
import { gather, type SourceContext, withCut } from './source.ts';

// Names and values of labels. With matchers: of the series that have a piece in the range. Without: of every series of each
// shard or segment that reaches into the range, straight from the postings.

export async function labelNames(context: SourceContext, request: LabelsRequest): Promise<SelectAnswer<string>> {
  const names = new Set<string>();
  const warnings = await visit(
    context,
    request,
    (index) => {
      for (const name of index.names()) names.add(name);
    },
    (labelBytes) => {
      for (const { name } of decodeLabels(labelBytes)) names.add(name);
    },
  );
  return sortedAnswer(names, warnings, request.limit);
}

export async function labelValues(
  context: SourceContext,
  request: LabelsRequest & { readonly name: string },
): Promise<SelectAnswer<string>> {
  const values = new Set<string>();
  const warnings = await visit(
    context,
    request,
    (index) => {
      for (const value of index.postings(request.name)?.keys() ?? []) values.add(value);
    },
    (labelBytes) => {
      const value = labelValue(decodeLabels(labelBytes), request.name);
      if (value !== '') values.add(value);
    },
  );
  return sortedAnswer(values, warnings, request.limit);
}

async function visit(
  context: SourceContext,
  request: LabelsRequest,
  takeIndex: (index: LabelIndex) => void,
  takeSeries: (labelBytes: Uint8Array) => void,
): Promise<Set<string>> {
  if (request.matchers.length > 0) {
    const gathered = new Gathered(Number.MAX_SAFE_INTEGER);
    try {
      await gather(context, undefined, request, gathered, request.signal);
      for (const { labelBytes } of gathered.series.values()) takeSeries(labelBytes);
      return gathered.warnings;
    } finally {
      gathered.release();
    }
  }
  const warnings = new Set<string>();
  for (const shard of [...context.shards()]) {
    request.signal.throwIfAborted();
    const tenant = shard.registry.tenant(request.tenant);
    if (tenant !== undefined && shard.reaches(request.range)) takeIndex(tenant);
    for (const entry of shard.sealed ?? []) {
      if (entry.startMs >= request.range.endMs || entry.endMs <= request.range.startMs) continue;
      const index = await context.segments.index(entry, request.tenant, warnings);
      if (index !== undefined) takeIndex(index);
    }
  }
  return warnings;
}

function sortedAnswer(found: Set<string>, warnings: Set<string>, limit: number): SelectAnswer<string> {
  const series = [...found].sort(compareUtf8);
  return { series: series.slice(0, limit), warnings: withCut(warnings, series.length, limit) };
}
