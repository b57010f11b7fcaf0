// Exit code 0 while the server in this container is ready to take in and to answer.
const TIMEOUT_MS = 4000;

const listen = process.env.TIDEMARK_HTTP_LISTEN || '127.0.0.1:9470';
const port = listen.slice(listen.lastIndexOf(':') + 1);
// Listening everywhere is no address to call.
const host = listen.slice(0, listen.lastIndexOf(':')).replace(/^(0\.0\.0\.0|\[::\])$/, '127.0.0.1');
try {
  const response = await fetch(`http://${host}:${port}/-/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  process.stdout.write(`${response.status} ${await response.text()}`);
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  process.stdout.write(`${error.cause?.message ?? error.message}\n`);
  process.exit(1);
}
