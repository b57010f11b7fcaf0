import { API } from './api-keys.ts';
import type { ErrorCode, KafkaRequest } from './request.ts';

// What a broker can be asked, version by version. Version 2.

export interface ApiRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** By API key; in kafkajs's shape, which looks SASL's versions up in it. */
export type ApiRanges = Readonly<Record<number, ApiRange>>;

export const apiVersionsRequest: KafkaRequest<{ readonly error: ErrorCode; readonly ranges: ApiRanges }> = {
  name: 'ApiVersions',
  key: API.apiVersions,
  version: 2,
  encode() {
    // Nothing is asked but all.
  },
  decode(answer) {
    const error = answer.i16();
    const ranges: Record<number, ApiRange> = {};
    answer.array(() => {
      ranges[answer.i16()] = { minVersion: answer.i16(), maxVersion: answer.i16() };
    }, 6);
    return { error, ranges };
  },
};
