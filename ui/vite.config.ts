import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Scripts that the first one imports: named in the head, they are loaded beside it instead of after it. */
const beside = {
  name: 'beside',
  apply: 'build' as const,
  transformIndexHtml: {
    order: 'post' as const,
    handler: () => ['ask', 'page'].map((name) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `/${name}.js` }, injectTo: 'head' as const })),
  },
};

function chunk({ moduleIds }: { moduleIds: string[] }): string {
  const has = (end: string) => moduleIds.some((id) => id.endsWith(end));
  return has('/words/ja.ts') ? 'words-ja.js' : has('/api.ts') ? 'ask.js' : '[name].js';
}

// Names without hashes: the server answers with an ETag of the content, and a change of one line renames nothing.
export default defineConfig({
  plugins: [svelte(), beside],
  build: {
    outDir: process.env.KEIZU_ASSETS ?? '../crates/server/assets',
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    target: 'es2022',
    rollupOptions: { output: { entryFileNames: 'app.js', chunkFileNames: chunk, assetFileNames: 'app[extname]' } },
  },
  server: { proxy: { '/api': process.env.KEIZU_URL ?? 'http://127.0.0.1:4760' } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
