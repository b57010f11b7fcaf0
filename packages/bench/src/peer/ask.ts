import type { Panel } from '../dashboard.ts';
import type { Peer } from './peer.ts';

/** The data of an answer of the API. Throws with what the system said when it did not answer. */
export async function askApi(peer: Peer, path: string, params: Record<string, string>): Promise<unknown> {
  const response = await fetch(
    `${peer.url}/api/v1/${path}?${new URLSearchParams({ ...params, ...peer.queryParams })}`,
    {
      headers: { 'x-read-consistency': 'strong' },
    },
  );
  const body = (await response.json()) as { status: string; data: unknown };
  if (body.status !== 'success') throw new Error(`${peer.name}: ${JSON.stringify(body)}`);
  return body.data;
}

/** A panel as a dashboard asks for it, up to `endMs`. */
export function askPanel(peer: Peer, { query, rangeMs, stepMs }: Panel, endMs: number): Promise<unknown> {
  const end = String(endMs / 1000);
  if (rangeMs === 0) return askApi(peer, 'query', { query, time: end });
  return askApi(peer, 'query_range', {
    query,
    start: String((endMs - rangeMs) / 1000),
    end,
    step: String(stepMs / 1000),
  });
}
