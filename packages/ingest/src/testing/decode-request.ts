import { hash32 } from '@tidemark/base';
import { labelStart, type MetricMetadata, sectionLabels } from '@tidemark/model';
import { Refusals } from '../admission/refusals.ts';
import { DEFAULT_INGEST_OPTIONS, type IngestOptions } from '../options.ts';
import { IntakeColumns } from '../protocol/intake-columns.ts';
import { IntakeExemplars } from '../protocol/intake-exemplars.ts';
import { IntakeHistograms } from '../protocol/intake-histograms.ts';
import { RemoteWriteDecoder } from '../protocol/remote-write.ts';
import { WireLabels } from '../protocol/wire-labels.ts';
import { Routes } from '../route/routes.ts';
import { SeriesDirectory } from '../series/directory.ts';

// Remote write from bytes to columns, without what stands around it, for tests.

export interface DecodedSample {
  readonly labels: string;
  readonly bits: bigint;
  readonly timestampMs: number;
}

export class RequestReader {
  readonly directory: SeriesDirectory;
  readonly decoder: RemoteWriteDecoder;
  readonly columns = new IntakeColumns();
  readonly exemplars: IntakeExemplars;
  readonly histograms = new IntakeHistograms();
  refusals = new Refusals();
  metadata: readonly MetricMetadata[] = [];

  constructor(options: Partial<IngestOptions> = {}) {
    const all = { ...DEFAULT_INGEST_OPTIONS, ...options };
    const labels = new WireLabels(all);
    this.exemplars = new IntakeExemplars(all);
    const seed = hash32(new Uint8Array([1]));
    this.directory = new SeriesDirectory(
      { tenantHash: 1, routes: new Routes(all.partitions), seed, sectionBytesMax: all.sectionBytesMax },
      labels,
    );
    this.decoder = new RemoteWriteDecoder(all, labels);
  }

  /** Decodes a decompressed request and tells its samples as text. */
  read(request: Uint8Array): readonly DecodedSample[] {
    this.columns.reset();
    this.exemplars.reset();
    this.histograms.reset();
    this.refusals = new Refusals();
    this.metadata = this.decoder.decode(request, this.directory, this, this.refusals);
    const { refs, timestampsMs, words, count } = this.columns;
    return Array.from({ length: count }, (_, i) => ({
      labels: this.labelsOf(refs[i] as number),
      bits: (BigInt(words[i * 2 + 1] as number) << 32n) | BigInt(words[i * 2] as number),
      timestampMs: timestampsMs[i] as number,
    }));
  }

  /** `[["name", "value"], ...]` as JSON, by way of a section, which is what goes to the log. */
  labelsOf(ref: number): string {
    const section = this.directory.section(0, Uint32Array.of(ref));
    if (section.labelBytes.length !== (section.labelEnds[0] as number) - labelStart(section, 0))
      throw new Error('length');
    return JSON.stringify(sectionLabels(section, 0).map(({ name, value }) => [name, value]));
  }
}
