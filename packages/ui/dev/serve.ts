import { join } from 'node:path';
import { fakeServer } from './fake-api.ts';

// node packages/ui/dev/serve.ts [port]: the built page over synthetic metrics, for working on it without a server.

const port = Number(process.argv[2] ?? 9471);
fakeServer(join(import.meta.dirname, '..', 'dist')).listen(port, '127.0.0.1', () => {
  process.stdout.write(`the page over synthetic metrics: http://127.0.0.1:${port}/\n`);
});
