import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The base is relative, so the built page works at `/` and equally behind a proxy that serves it under a prefix.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { target: 'es2022', chunkSizeWarningLimit: 700 },
  // `vite` (hot reload while working on the page) hands API calls to a running server or to the fake in dev/.
  server: { proxy: { '/api': process.env['TIDEMARK_URL'] ?? 'http://127.0.0.1:9470' } },
});
