import { compareUtf8, decodeLabels, type LabelsRequest, labelValue, type SelectAnswer } from '@tidemark/model';
import type { LabelIndex } from '../index/label-index.ts';
import { gatherLabels, type SourceContext, sealedUnknown } from './source.ts';
import { sortInTurns, Turns } from './turns.ts';

// Names and values of labels. With matchers: of the series that have a piece in the range. Without: of every series of each
// shard or segment that reaches into the range, straight from the postings.

export async function labelNames(context: SourceContext, request: LabelsRequest): Promise<SelectAnswer<string>> {
  const names = new Set<string>();
  const turns = new Turns(context.clock, request.signal);
  const warnings = await visit(
    context,
    request,
    turns,
    (index) => {
      for (const name of index.names()) names.add(name);
    },
    (labelBytes) => {
      for (const { name } of decodeLabels(labelBytes)) names.add(name);
    },
  );
  return sortedAnswer(names, warnings, request.limit, turns);
}

export async function labelValues(
  context: SourceContext,
  request: LabelsRequest & { readonly name: string },
): Promise<SelectAnswer<string>> {
  const values = new Set<string>();
  const turns = new Turns(context.clock, request.signal);
  const warnings = await visit(
    context,
    request,
    turns,
    (index) => {
      for (const value of index.postings(request.name)?.values() ?? []) values.add(value);
    },
    (labelBytes) => {
      const value = labelValue(decodeLabels(labelBytes), request.name);
      if (value !== '') values.add(value);
    },
  );
  return sortedAnswer(values, warnings, request.limit, turns);
}

async function visit(
  context: SourceContext,
  request: LabelsRequest,
  turns: Turns,
  takeIndex: (index: LabelIndex) => void,
  takeSeries: (labelBytes: Uint8Array) => void,
): Promise<Set<string>> {
  if (request.matchers.length > 0) {
    const gathered = await gatherLabels(context, request, turns);
    try {
      for (const { owner, ref } of gathered.series) {
        if (turns.due()) await turns.take();
        takeSeries(owner.labelBytes(ref));
      }
      return gathered.warnings;
    } finally {
      gathered.release();
    }
  }
  const warnings = new Set<string>();
  for (const shard of [...context.shards(request)]) {
    turns.check();
    if (turns.late()) await turns.take();
    if (shard.sealed === undefined) warnings.add(sealedUnknown(shard));
    const tenant = shard.registry.tenant(request.tenant);
    if (tenant !== undefined && shard.reaches(request.range)) takeIndex(tenant);
    for (const entry of shard.sealed ?? []) {
      if (entry.startMs >= request.range.endMs || entry.endMs <= request.range.startMs) continue;
      turns.check();
      if (turns.late()) await turns.take();
      const index = await context.segments.index(entry, request.tenant, warnings);
      if (index !== undefined) takeIndex(index);
    }
  }
  return warnings;
}

async function sortedAnswer(
  found: Set<string>,
  warnings: Set<string>,
  limit: number,
  turns: Turns,
): Promise<SelectAnswer<string>> {
  const series = await sortInTurns([...found], compareUtf8, turns);
  return { series: series.slice(0, limit), warnings: [...warnings] };
}
