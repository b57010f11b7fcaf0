import { clusterMetadata } from '@tidemark/testkit/real';

// Servers that KAFKA_BROKERS, SCHEMA_REGISTRY_URL or S3_ENDPOINT name are there already, or nothing is begun: a registry that is
// started on brokers that are not there says so half a minute later, in Java's own way.

export interface Given {
  /** Undefined: ours, and started later. The same for the others. */
  readonly brokers: readonly string[] | undefined;
  readonly registryUrl: string | undefined;
  readonly s3Endpoint: string | undefined;
}

const ASK_MS = 3000;

/** The sentence to say of brokers that somebody has named. Throws with one line for each that is not there. */
export async function checkGiven({ brokers, registryUrl, s3Endpoint }: Given): Promise<string | undefined> {
  const asked = await Promise.allSettled([
    brokers && checkBrokers(brokers, registryUrl !== undefined),
    registryUrl === undefined ? undefined : checkRegistry(registryUrl),
    s3Endpoint === undefined ? undefined : checkS3(s3Endpoint),
  ]);
  const problems = asked.flatMap((each) => (each.status === 'rejected' ? [reasonOf(each.reason)] : []));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return asked[0].status === 'fulfilled' ? asked[0].value : undefined;
}

/** One that answers is enough, as for whoever reads from it. */
async function checkBrokers(brokers: readonly string[], hasRegistry: boolean): Promise<string> {
  const asked = await Promise.allSettled(brokers.map((each) => askBroker(each, ASK_MS)));
  const at = brokers.join(',');
  if (asked.some((each) => each.status === 'fulfilled')) return `Kafka answers at ${at}.`;
  const failures = asked.map((each, i) => `${brokers[i]}: ${each.status === 'rejected' ? reasonOf(each.reason) : ''}`);
  if (!failures.some((each) => /closed the connection|another protocol/.test(each))) {
    throw new Error(`KAFKA_BROKERS: no broker answers (${failures.join('; ')})`);
  }
  if (!hasRegistry) {
    throw new Error(
      `KAFKA_BROKERS: at ${at} nobody is answered without TLS or credentials (${failures.join('; ')}), which the schema registry of this stack has none of; name a registry of yours in SCHEMA_REGISTRY_URL, or a plain listener`,
    );
  }
  return `Kafka listens at ${at} and wants TLS or credentials (${failures.join('; ')}): Tidemark comes with those in the folder's tidemark.yaml.`;
}

export async function askBroker(broker: string, askMs: number): Promise<void> {
  const [, host = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(broker) ?? [];
  const { brokers } = await clusterMetadata(host, Number(port), askMs);
  if (brokers.length === 0) throw new Error('it names no broker');
}

async function checkRegistry(url: string): Promise<void> {
  const asked = `${url.replace(/\/+$/, '')}/subjects`;
  const status = await statusOf(asked, 'SCHEMA_REGISTRY_URL');
  if (status === 404) {
    throw new Error(`SCHEMA_REGISTRY_URL: ${asked} answers 404; for Apicurio the address ends with /apis/ccompat/v7`);
  }
  if (status >= 500) throw new Error(`SCHEMA_REGISTRY_URL: ${asked} answers ${status}`);
}

async function checkS3(endpoint: string): Promise<void> {
  // Without credentials: 403 is an answer.
  const status = await statusOf(endpoint, 'S3_ENDPOINT');
  if (status >= 500) throw new Error(`S3_ENDPOINT: ${endpoint} answers ${status}`);
}

async function statusOf(url: string, variable: string): Promise<number> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    throw new Error(`${variable}: ${url} does not answer (${reasonOf(error)})`);
  }
}

/** What the system says, where a client wraps it in words of its own. */
function reasonOf(error: unknown): string {
  const { cause, code, message } = (error ?? {}) as {
    cause?: { code?: string };
    code?: string | number;
    message?: string;
  };
  return String(cause?.code ?? (typeof code === 'string' ? code : message) ?? error);
}
