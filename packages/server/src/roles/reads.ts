import type {
  Cardinality,
  CardinalityRequest,
  ExemplarSource,
  Freshness,
  MetadataSource,
  SeriesSource,
} from '@tidemark/model';

/** Everything that is asked of what is stored, wherever it is. */
export interface Reads {
  readonly source: SeriesSource;
  readonly metadata: MetadataSource;
  readonly cardinality: (request: CardinalityRequest) => Promise<Cardinality>;
  readonly exemplars: ExemplarSource;
  readonly freshness: Freshness;
}
