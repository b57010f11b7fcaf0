import { DEFAULT_TENANT, TENANT_HEADER, tenantOfHeader } from '@tidemark/model';

// Whose the samples of a topic are: as configured for the topic, whose ACLs say who may write to it; else, while there is no
// authentication, as the record's header says.

export interface SampleTopic {
  readonly topic: string;
  /** Undefined: by the header `X-Scope-OrgID`, `default` without it. */
  readonly tenant: string | undefined;
}

/** Throws `TENANT_INVALID`. */
export function tenantOf(topic: SampleTopic, headers: Readonly<Record<string, string>>): string {
  if (topic.tenant !== undefined) return topic.tenant;
  for (const name in headers) {
    if (name.length === TENANT_HEADER.length && name.toLowerCase() === TENANT_HEADER) {
      return tenantOfHeader(headers[name]);
    }
  }
  return DEFAULT_TENANT;
}
