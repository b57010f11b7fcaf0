// Asks a running Tidemark over HTTP, for the whole-process tests. No product code here.

export interface MatrixSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export interface VectorSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
}

export interface RowSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly rows: readonly {
    readonly end: number;
    readonly count: number;
    readonly sum: string;
    readonly compensation: string;
    readonly min: string;
    readonly max: string;
    readonly first: string;
    readonly firstTime: number;
    readonly last: string;
    readonly lastTime: number;
    readonly increase: string;
    readonly revision: { readonly generation: number; readonly offset: number };
  }[];
}

/** `data` of an API answer; throws with the whole answer when it is not a success. */
export async function ask<T>(
  url: string,
  path: string,
  params: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params)}`, { headers });
  const body = (await response.json()) as { status: string; data: T };
  if (body.status !== 'success') throw new Error(`${path} ${JSON.stringify(params)}: ${JSON.stringify(body)}`);
  return body.data;
}

export async function vector(url: string, query: string, atMs?: number): Promise<readonly VectorSample[]> {
  const time: Record<string, string> = atMs === undefined ? {} : { time: String(atMs / 1000) };
  const data = await ask<{ result: readonly VectorSample[] }>(
    url,
    'query',
    { query, ...time },
    { 'x-read-consistency': 'strong' },
  );
  return data.result;
}

/** Every raw sample of a selector in `(atMs - range, atMs]`. */
export async function samples(
  url: string,
  selector: string,
  range: string,
  atMs: number,
): Promise<readonly MatrixSeries[]> {
  const data = await ask<{ result: readonly MatrixSeries[] }>(
    url,
    'query',
    { query: `${selector}[${range}]`, time: String(atMs / 1000) },
    { 'x-read-consistency': 'strong' },
  );
  return data.result;
}

/** The server's own time, ms. */
export async function serverNow(url: string): Promise<number> {
  const data = await ask<{ result: readonly [number, string] }>(url, 'query', { query: 'time()' });
  return Number(data.result[1]) * 1000;
}

/** Asks again until `what` gives something; throws with `caption` after `withinMs`. */
export async function until<T>(caption: string, withinMs: number, what: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await what();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${withinMs} ms: ${caption}${last instanceof Error ? ` (${last.message})` : ''}`);
}
