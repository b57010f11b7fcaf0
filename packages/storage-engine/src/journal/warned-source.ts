import type { SelectAnswer, SeriesSource } from '@tidemark/model';

/** The same source, whose answers say this too. */
export function warnedSource(source: SeriesSource, warnings: readonly string[]): SeriesSource {
  const warned = async <S>(answer: Promise<SelectAnswer<S>>): Promise<SelectAnswer<S>> => {
    const said = await answer;
    return { ...said, warnings: [...said.warnings, ...warnings] };
  };
  return {
    select: (request) => warned(source.select(request)),
    selectRows: (request) => warned(source.selectRows(request)),
    series: (request) => warned(source.series(request)),
    labelNames: (request) => warned(source.labelNames(request)),
    labelValues: (request) => warned(source.labelValues(request)),
  };
}
