import { Agent, request } from 'node:http';
import type { Body } from './bodies.ts';

// Keeps connections open, as a real sender does; waits and comes back when told to.

const agents = new Map<string, Agent>();

export async function send(url: string, body: Body): Promise<void> {
  for (;;) {
    const { status, text } = await post(url, body);
    if (status >= 200 && status < 300) return;
    if (status !== 503 && status !== 429) throw new Error(`${url} answered ${status}: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function post(url: string, body: Body): Promise<{ status: number; text: string }> {
  let agent = agents.get(url);
  if (!agent) {
    agent = new Agent({ keepAlive: true, maxSockets: 16 });
    agents.set(url, agent);
  }
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        agent: agent as Agent,
        path: '/api/v1/write',
        method: 'POST',
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
          'content-length': body.bytes.length,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body.bytes);
  });
}

export function closeConnections(): void {
  for (const agent of agents.values()) agent.destroy();
  agents.clear();
}
